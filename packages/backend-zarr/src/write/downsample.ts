import { allocate, type DataOf, DTYPES, type DType, type Shape4D, Tensor } from "@lazyimg/core";

type Numbers = Exclude<DataOf, BigInt64Array | BigUint64Array>;
type BigInts = BigInt64Array | BigUint64Array;

/** Rounds to the nearest integer, halves to the even one, as numpy's `rint`. */
function roundEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** The mean of whole numbers, halves to the even one. */
function bigMean(sum: bigint, count: bigint): bigint {
  let quotient = sum / count;
  let rest = sum % count;
  if (rest < 0n) {
    quotient -= 1n;
    rest += count;
  }
  const twice = 2n * rest;
  return twice > count || (twice === count && quotient % 2n !== 0n) ? quotient + 1n : quotient;
}

/** The most frequent value, of several the least; NaN counts as a value. */
function modeOf<T extends number | bigint>(values: readonly T[], count: number): T {
  let best = values[0]!;
  let most = 0;
  for (let n = 0; n < count; n++) {
    const value = values[n]!;
    let found = 0;
    for (let m = 0; m < count; m++) if (Object.is(values[m], value) || values[m] === value) found++;
    if (found > most || (found === most && value < best)) {
      best = value;
      most = found;
    }
  }
  return best;
}

/** Where the voxels of a dense tensor lie, I fastest but for samples and lanes. */
interface Grid {
  readonly lanes: number;
  readonly ni: number;
  readonly nj: number;
  readonly nk: number;
}

/** Calls `visit(output, from, count)` for every block: `from` holds the places of its `count` voxels. */
function eachBlock(
  { lanes, ni, nj, nk }: Grid,
  [fi, fj, fk]: readonly [number, number, number],
  visit: (output: number, from: Int32Array, count: number) => void,
): void {
  const from = new Int32Array(8);
  let output = 0;
  for (let k = 0; k < nk; k += fk) {
    for (let j = 0; j < nj; j += fj) {
      for (let i = 0; i < ni; i += fi) {
        for (let lane = 0; lane < lanes; lane++) {
          let count = 0;
          for (let z = k; z < Math.min(k + fk, nk); z++) {
            for (let y = j; y < Math.min(j + fj, nj); y++) {
              const row = (z * nj + y) * ni;
              for (let x = i; x < Math.min(i + fi, ni); x++) from[count++] = (row + x) * lanes + lane;
            }
          }
          visit(output++, from, count);
        }
      }
    }
  }
}

/** The common case, without a visit for each voxel: means of 2 x 2 x 2 numbers. */
function meanRows(
  source: Numbers,
  target: Numbers,
  { ni, nj, nk }: Grid,
  factor: readonly number[],
  whole: boolean,
): void {
  const [fi, fj, fk] = factor as [number, number, number];
  const mi = Math.ceil(ni / fi);
  const sums = new Float64Array(mi);
  let output = 0;
  for (let k = 0; k < nk; k += fk) {
    const kEnd = Math.min(k + fk, nk);
    for (let j = 0; j < nj; j += fj) {
      const jEnd = Math.min(j + fj, nj);
      sums.fill(0);
      for (let z = k; z < kEnd; z++) {
        for (let y = j; y < jEnd; y++) {
          let at = (z * nj + y) * ni;
          if (fi === 1) for (let x = 0; x < mi; x++) sums[x]! += source[at++]!;
          else {
            const pairs = ni >> 1;
            for (let x = 0; x < pairs; x++, at += 2) sums[x]! += source[at]! + source[at + 1]!;
            if (ni & 1) sums[pairs]! += source[at]!;
          }
        }
      }
      const rows = (kEnd - k) * (jEnd - j);
      for (let x = 0; x < mi; x++) {
        const mean = sums[x]! / (rows * Math.min(fi, ni - x * fi));
        target[output++] = whole ? roundEven(mean) : mean;
      }
    }
  }
}

/**
 * Every block of `factor` voxels as one: its mean (integers rounded, halves to even) or its most frequent value. Blocks
 * at the end may be smaller.
 *
 * @param tensor one frame, (samples, I, J, K)
 * @returns a dense tensor, I fastest but for the samples
 */
export function downsample(
  tensor: Tensor,
  factor: readonly [number, number, number],
  method: "mean" | "mode",
): Tensor {
  const [samples, ni, nj, nk] = tensor.shape;
  const { dtype } = tensor;
  const { kind, lanes } = DTYPES[dtype];
  const dense = inOrder(tensor);
  const grid: Grid = { lanes: lanes * samples, ni, nj, nk };
  const shape: Shape4D = [
    samples,
    Math.ceil(ni / factor[0]),
    Math.ceil(nj / factor[1]),
    Math.ceil(nk / factor[2]),
  ];
  const data = allocate(dtype, shape[0] * shape[1] * shape[2] * shape[3]);
  if (isBig(dtype)) reduceBig(dense.data as BigInts, data as BigInts, grid, factor, method);
  else reduce(dense.data as Numbers, data as Numbers, grid, factor, method, kind === "i" || kind === "u");
  const [c, i, j] = shape;
  return new Tensor({ data, dtype, shape, strides: [1, c, c * i, c * i * j] });
}

/** The same voxels, I fastest but for the samples; as they are where they lie so. */
function inOrder(tensor: Tensor): Tensor {
  const { dtype, shape, data, size } = tensor;
  const [samples, ni, nj] = shape;
  const strides = [1, samples, samples * ni, samples * ni * nj] as const;
  const isSo = strides.every((stride, axis) => shape[axis] === 1 || tensor.strides[axis] === stride);
  if (isSo && tensor.offset === 0 && data.length === size * DTYPES[dtype].lanes) return tensor;
  const dense = new Tensor({ data: allocate(dtype, size), dtype, shape, strides });
  tensor.copyTo(dense);
  return dense;
}

const isBig = (dtype: DType): boolean => dtype === "int64" || dtype === "uint64";

function reduceBig(
  source: BigInts,
  target: BigInts,
  grid: Grid,
  factor: readonly [number, number, number],
  method: "mean" | "mode",
): void {
  const values: bigint[] = [];
  eachBlock(grid, factor, (output, from, count) => {
    let sum = 0n;
    for (let n = 0; n < count; n++) {
      values[n] = source[from[n]!]!;
      sum += values[n]!;
    }
    target[output] = method === "mode" ? modeOf(values, count) : bigMean(sum, BigInt(count));
  });
}

function reduce(
  source: Numbers,
  target: Numbers,
  grid: Grid,
  factor: readonly [number, number, number],
  method: "mean" | "mode",
  whole: boolean,
): void {
  if (method === "mean" && grid.lanes === 1) {
    meanRows(source, target, grid, factor, whole);
    return;
  }
  const values: number[] = [];
  eachBlock(grid, factor, (output, from, count) => {
    let sum = 0;
    for (let n = 0; n < count; n++) {
      values[n] = source[from[n]!]!;
      sum += values[n]!;
    }
    if (method === "mode") target[output] = modeOf(values, count);
    else target[output] = whole ? roundEven(sum / count) : sum / count;
  });
}
