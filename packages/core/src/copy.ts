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
    const [first, second] = x.size < 8 ? [y, x] : [x, y];
    copy = (a, b) => copyPlane(source, target, a, b, run, first, second);
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
 * Copies runs of words along two axes. Eight neighbours along the first are copied in one step of the second: they fill a
 * part of a line of the target's cache, and eight lines of the source's are used up one word after the other.
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
  const columns = nx < 8 ? 1 : 8;
  for (let next = 0; next < nx; next += columns) {
    // At the end, some columns once more rather than fewer.
    const x = Math.min(next, nx - columns);
    for (let word = 0; word < run; word++) {
      let a = from + x * sx + word;
      let b = to + x * dx + word;
      if (columns === 1) for (let y = 0; y < ny; y++, a += sy, b += dy) target[b] = source[a]!;
      else
        for (let y = 0; y < ny; y++, a += sy, b += dy) {
          target[b] = source[a]!;
          target[b + dx] = source[a + sx]!;
          target[b + 2 * dx] = source[a + 2 * sx]!;
          target[b + 3 * dx] = source[a + 3 * sx]!;
          target[b + 4 * dx] = source[a + 4 * sx]!;
          target[b + 5 * dx] = source[a + 5 * sx]!;
          target[b + 6 * dx] = source[a + 6 * sx]!;
          target[b + 7 * dx] = source[a + 7 * sx]!;
        }
    }
  }
}
