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
 * Where axes are swapped, this many elements along the target's fastest axis are taken at a time, and eight along the
 * source's: what both sides touch stays in cache, also where strides are powers of two and share cache sets.
 */
const TILE = 128;

/** The array as words of at most four bytes, so that NaN payloads survive and three array kinds serve all types. */
function asWords({ data, dtype }: StridedView): Words {
  const size = Math.min(DTYPES[dtype].itemSize, 4);
  const array = size === 1 ? Uint8Array : size === 2 ? Uint16Array : Uint32Array;
  return new array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength / size);
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
  const source = asWords(from);
  const target = asWords(to);
  const lanes = Math.max(1, DTYPES[from.dtype].itemSize / 4);
  const [run, x = SINGLE, ...others] = loopAxes(from.strides, to.strides, shape, lanes);
  // Beside the target's fastest axis, the one that is fastest in the source is tiled.
  others.sort((a, b) => Math.abs(b.from) - Math.abs(a.from));
  const y = others.pop() ?? SINGLE;
  const walk = (depth: number, a: number, b: number): void => {
    const axis = others[depth];
    if (axis === undefined) copyPlane(source, target, a, b, run!.size, x, y);
    else for (let n = 0; n < axis.size; n++) walk(depth + 1, a + n * axis.from, b + n * axis.to);
  };
  return (fromShift, toShift) => {
    if (!shape.includes(0)) walk(0, (from.offset + fromShift) * lanes, (to.offset + toShift) * lanes);
  };
}

/** One loop of a copy: how often, and how many words to step on either side. */
interface LoopAxis {
  size: number;
  readonly from: number;
  readonly to: number;
}

const SINGLE: LoopAxis = { size: 1, from: 0, to: 0 };

/** The fewest loops that copy `shape`: a run of words, dense on both sides, then from the target's fastest to its slowest. */
function loopAxes(
  from: readonly number[],
  to: readonly number[],
  shape: readonly number[],
  lanes: number,
): LoopAxis[] {
  const axes: LoopAxis[] = [{ size: lanes, from: 1, to: 1 }];
  shape
    .map((size, axis): LoopAxis => ({ size, from: from[axis]! * lanes, to: to[axis]! * lanes }))
    .filter(({ size }) => size !== 1)
    .sort((a, b) => Math.abs(a.to) - Math.abs(b.to))
    .forEach((axis) => {
      const last = axes.at(-1)!;
      // What continues the loop before on both sides makes it longer.
      if (axis.from === last.from * last.size && axis.to === last.to * last.size) last.size *= axis.size;
      else axes.push(axis);
    });
  return axes;
}

function copyPlane(
  source: Words,
  target: Words,
  from: number,
  to: number,
  run: number,
  { size: nx, from: sx, to: dx }: LoopAxis,
  { size: ny, from: sy, to: dy }: LoopAxis,
): void {
  // memcpy costs a call: short runs are faster word by word.
  if (run >= 32) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++) {
        const a = from + x * sx + y * sy;
        target.set(source.subarray(a, a + run), to + x * dx + y * dy);
      }
    }
    return;
  }
  for (let x0 = 0; x0 < nx; x0 += TILE) {
    const count = Math.min(TILE, nx - x0);
    for (let y = 0; y < ny; ) {
      const rows = y + 8 > ny ? 1 : 8;
      for (let word = 0; word < run; word++) {
        let a = from + x0 * sx + y * sy + word;
        let b = to + x0 * dx + y * dy + word;
        if (rows === 1) for (let n = 0; n < count; n++, a += sx, b += dx) target[b] = source[a]!;
        else
          for (let n = 0; n < count; n++, a += sx, b += dx) {
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
      y += rows;
    }
  }
}
