import { bytesOf, DTYPES, type Shape4D, type Tensor } from "@lazyimg/core";

/**
 * The positions that Python's `range(size)[start:stop:step]` gives, found by walking and not by arithmetic: a reference
 * that shares nothing with what it checks.
 */
export function positions(
  size: number,
  { start, stop, step }: { start: number | null; stop: number | null; step: number | null },
): number[] {
  const by = step ?? 1;
  const all = Array.from({ length: size }, (_, n) => n);
  const place = (value: number) => (value < 0 ? value + size : value);
  const walked: number[] = [];
  // Python's definition: x = i + n*k, from i, before reaching j; a bound that is out of range is the end on its side.
  let at = start === null ? (by > 0 ? 0 : size - 1) : place(start);
  if (by > 0 && at < 0) at = 0;
  if (by < 0 && at > size - 1) at = size - 1;
  const end = stop === null ? (by > 0 ? size : -1) : Math.max(place(stop), -1);
  while ((by > 0 ? at < end : at > end) && all[at] !== undefined) {
    walked.push(at);
    at += by;
  }
  return walked;
}

/** The bytes of every element in C order, one by one, bit for bit. */
export function bytesInOrder(tensor: Tensor): Uint8Array {
  const { shape, strides, offset, data, dtype } = tensor;
  const { itemSize } = DTYPES[dtype];
  const source = bytesOf(data);
  const parts: number[] = [];
  each(shape, (p) => {
    const element = p.reduce((sum, position, axis) => sum + position * strides[axis]!, offset);
    for (let n = 0; n < itemSize; n++) parts.push(source[element * itemSize + n]!);
  });
  return Uint8Array.from(parts);
}

/** Calls `visit` with every position of `shape`, in C order. */
export function each(shape: Shape4D, visit: (position: readonly number[]) => void): void {
  for (let c = 0; c < shape[0]; c++) {
    for (let i = 0; i < shape[1]; i++) {
      for (let j = 0; j < shape[2]; j++) {
        for (let k = 0; k < shape[3]; k++) visit([c, i, j, k]);
      }
    }
  }
}
