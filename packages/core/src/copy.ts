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

/**
 * Where axes are swapped, tiles of this many elements along the target's fastest axis and along the source's keep both
 * sides in cache. Measured: few source lines at a time matter, because strides that are powers of two share cache sets.
 */
const TARGET_RUN = 16;
const SOURCE_RUN = 128;

/** The array as words of at most four bytes, so that NaN payloads survive and three element kinds serve all types. */
function asWords(data: DataOf, itemSize: number): { words: Words; lanes: number } {
  const { buffer, byteOffset, byteLength } = data;
  if (itemSize === 1) return { words: new Uint8Array(buffer, byteOffset, byteLength), lanes: 1 };
  if (itemSize === 2) return { words: new Uint16Array(buffer, byteOffset, byteLength / 2), lanes: 1 };
  return { words: new Uint32Array(buffer, byteOffset, byteLength / 4), lanes: itemSize / 4 };
}

/**
 * Copies `shape` elements from one strided view to another of the same dtype.
 *
 * Runs that are dense on both sides are copied by memcpy; where the two sides differ in their fastest axis, tiles keep
 * both in cache.
 */
export function copyStrided(from: StridedView, to: StridedView, shape: readonly number[]): void {
  stridedCopy(from, to, shape)(0, 0);
}

/**
 * A copy that is made again and again between the same arrays, planned once: what is returned copies from `fromShift`
 * elements further on to `toShift` elements further on.
 */
export function stridedCopy(
  from: StridedView,
  to: StridedView,
  shape: readonly number[],
): (fromShift: number, toShift: number) => void {
  if (shape.includes(0)) return () => {};
  const { itemSize } = DTYPES[from.dtype];
  const source = asWords(from.data, itemSize);
  const target = asWords(to.data, itemSize);
  const lanes = source.lanes;
  const [first, ...others] = loopAxes(from.strides, to.strides, shape, lanes);
  // Beside the target's fastest axis, the one that is fastest in the source is tiled.
  others.sort((a, b) => Math.abs(b.from) - Math.abs(a.from));
  const second = others.pop() ?? { size: 1, from: 0, to: 0 };
  const walk = (depth: number, a: number, b: number): void => {
    const axis = others[depth];
    if (axis === undefined) copyPlane(source.words, target.words, a, b, first, second);
    else for (let n = 0; n < axis.size; n++) walk(depth + 1, a + n * axis.from, b + n * axis.to);
  };
  return (fromShift, toShift) => walk(0, (from.offset + fromShift) * lanes, (to.offset + toShift) * lanes);
}

/** One loop of a copy: how often, and how many words to step on either side. */
interface LoopAxis {
  size: number;
  from: number;
  to: number;
}

/** The fewest loops that copy `shape`, from the target's fastest to its slowest. Always at least one. */
function loopAxes(
  from: readonly number[],
  to: readonly number[],
  shape: readonly number[],
  lanes: number,
): [LoopAxis, ...LoopAxis[]] {
  // An element of several words is an axis of its own, dense on both sides.
  const axes: [LoopAxis, ...LoopAxis[]] = [{ size: lanes, from: 1, to: 1 }];
  const order = shape
    .map((_, axis) => axis)
    .filter((axis) => shape[axis] !== 1)
    .sort((a, b) => Math.abs(to[a]!) - Math.abs(to[b]!));
  for (const n of order) {
    const axis = { size: shape[n]!, from: from[n]! * lanes, to: to[n]! * lanes };
    const last = axes.at(-1)!;
    // What continues the loop before on both sides makes it longer.
    if (last.size === 1) axes[axes.length - 1] = axis;
    else if (axis.from === last.from * last.size && axis.to === last.to * last.size) last.size *= axis.size;
    else axes.push(axis);
  }
  return axes;
}

function copyPlane(
  source: Words,
  target: Words,
  from: number,
  to: number,
  { size: nx, from: sx, to: dx }: LoopAxis,
  { size: ny, from: sy, to: dy }: LoopAxis,
): void {
  if (sx === 1 && dx === 1) {
    for (let y = 0, a = from, b = to; y < ny; y++, a += sy, b += dy) {
      // memcpy costs a call: short rows are faster word by word.
      if (nx >= 32) target.set(source.subarray(a, a + nx), b);
      else for (let x = 0; x < nx; x++) target[b + x] = source[a + x]!;
    }
    return;
  }
  for (let y0 = 0; y0 < ny; y0 += SOURCE_RUN) {
    const y1 = Math.min(y0 + SOURCE_RUN, ny);
    for (let x0 = 0; x0 < nx; x0 += TARGET_RUN) {
      const x1 = Math.min(x0 + TARGET_RUN, nx);
      for (let y = y0; y < y1; y++) {
        let a = from + y * sy + x0 * sx;
        let b = to + y * dy + x0 * dx;
        for (let x = x0; x < x1; x++, a += sx, b += dx) target[b] = source[a]!;
      }
    }
  }
}
