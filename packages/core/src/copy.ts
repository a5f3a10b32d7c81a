import { type DataOf, DTYPES, type DType } from "./dtype.js";

/** Elements somewhere in a typed array: what a copy reads or writes. */
export interface StridedView {
  readonly data: DataOf;
  readonly dtype: DType;
  /** In elements. */
  readonly strides: readonly number[];
  readonly offset: number;
}

type Words = Uint8Array | Uint16Array | Uint32Array;

/** The array as words of at most four bytes, so that NaN payloads survive and three array kinds serve all types. */
function asWords({ data, dtype }: StridedView): Words {
  const size = Math.min(DTYPES[dtype].itemSize, 4);
  const { array } = DTYPES[`uint${8 * size}` as "uint8" | "uint16" | "uint32"];
  return new array(data.buffer, data.byteOffset, data.byteLength / size) as Words;
}

/** One loop of a copy: how often, and how many words to step on either side. */
interface Loop {
  readonly size: number;
  readonly from: number;
  readonly to: number;
}

const ONCE: Loop = { size: 1, from: 0, to: 0 };

/**
 * Plans a copy of `shape` elements from one strided view to another of the same dtype. What is returned makes it, as
 * often as it is called: from `fromShift` elements further on to `toShift` elements further on.
 *
 * Runs that are dense on both sides are copied by memcpy; where the two sides differ in their fastest axis, both axes
 * are walked together, so that what either side touches stays in cache.
 */
export function stridedCopy(
  from: StridedView,
  to: StridedView,
  shape: readonly number[],
): (fromShift?: number, toShift?: number) => void {
  const source = asWords(from);
  const target = asWords(to);
  const lanes = Math.max(1, DTYPES[from.dtype].itemSize / 4);
  const loops = shape
    .map((size, axis): Loop => ({ size, from: from.strides[axis]! * lanes, to: to.strides[axis]! * lanes }))
    .filter(({ size }) => size !== 1)
    .sort((a, b) => Math.abs(a.to) - Math.abs(b.to));
  let run = lanes;
  while (loops[0]?.from === run && loops[0].to === run) run *= loops.shift()!.size;

  let copy = (a: number, b: number): void => target.set(source.subarray(a, a + run), b);
  // memcpy costs a call: short runs are faster word by word.
  if (run < 32) {
    const x = loops.shift() ?? ONCE;
    loops.sort((a, b) => Math.abs(a.from) - Math.abs(b.from));
    const y = loops.shift() ?? ONCE;
    copy = (a, b) => copyPlane(source, target, a, b, run, x, y);
  }
  for (const { size, from, to } of loops) {
    const inner = copy;
    copy = (a, b) => {
      for (let n = 0; n < size; n++) inner(a + n * from, b + n * to);
    };
  }
  return (fromShift = 0, toShift = 0) =>
    copy((from.offset + fromShift) * lanes, (to.offset + toShift) * lanes);
}

/**
 * Copies runs of words along two axes. Eight rows at a time use what one line of the source's cache holds, and keep the
 * processor busy while it waits for the next.
 */
function copyPlane(
  source: Words,
  target: Words,
  from: number,
  to: number,
  run: number,
  { size: nx, from: sx, to: dx }: Loop,
  { size: ny, from: sy, to: dy }: Loop,
): void {
  const rows = ny < 8 ? 1 : 8;
  for (let next = 0; next < ny; next += rows) {
    // At the end, some rows once more rather than fewer.
    const y = Math.min(next, ny - rows);
    for (let word = 0; word < run; word++) {
      let a = from + y * sy + word;
      let b = to + y * dy + word;
      if (rows === 1) for (let x = 0; x < nx; x++, a += sx, b += dx) target[b] = source[a]!;
      else
        for (let x = 0; x < nx; x++, a += sx, b += dx) {
          target[b] = source[a]!;
          target[b + dy] = source[a + sy]!;
          target[b + 2 * dy] = source[a + 2 * sy]!;
          target[b + 3 * dy] = source[a + 3 * sy]!;
          target[b + 4 * dy] = source[a + 4 * sy]!;
          target[b + 5 * dy] = source[a + 5 * sy]!;
          target[b + 6 * dy] = source[a + 6 * sy]!;
          target[b + 7 * dy] = source[a + 7 * sy]!;
        }
    }
  }
}
