import { allocate, type DataOf, DTYPES, type DType } from "./dtype.js";
import { Tensor } from "./tensor.js";

/** `stored * slope + inter`. */
export interface Scaling {
  readonly slope: number;
  readonly inter: number;
}

type Numbers = Exclude<DataOf, BigInt64Array | BigUint64Array>;

const isBig = (dtype: DType): boolean => dtype === "int64" || dtype === "uint64";

/** What reading scaled values of `dtype` gives, as nibabel: float64, or complex128 for complex. */
export function scaledDType(dtype: DType): DType {
  return DTYPES[dtype].kind === "c" ? "complex128" : "float64";
}

/**
 * A bigint as the nearest float32, rounded once. `Math.fround(Number(x))` would round twice, so what lies beyond 53 bits
 * is kept as a sticky bit in the 53rd.
 */
function bigToFloat32(value: bigint): number {
  const exact = Number(value);
  if (Number.isSafeInteger(exact)) return Math.fround(exact);
  const high = value >> 11n;
  const sticky = (value & 2047n) === 0n ? high : high | 1n;
  return Math.fround(Number(sticky) * 2048);
}

/** What a bigint is stored as in a `dtype` of numbers: an integer keeps its low bits, a float is rounded once. */
function exactly(dtype: DType): (value: bigint) => number {
  const { kind, array } = DTYPES[dtype];
  if (kind === "i" || kind === "u") return (value) => Number(BigInt.asIntN(32, value));
  return array === Float32Array ? bigToFloat32 : Number;
}

/** A number as a 64-bit integer, truncated; what has no such value is the least one, as numpy on x86-64. */
function toBig(value: number): bigint {
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : -(2n ** 63n);
}

/** The elements of a tensor in memory order, dense; its own memory where that has no gaps, otherwise a copy in C order. */
function dense(tensor: Tensor): Tensor {
  const { data, dtype, shape, strides, size } = tensor;
  const axes = [0, 1, 2, 3]
    .filter((axis) => shape[axis] !== 1)
    .sort((a, b) => Math.abs(strides[a]!) - Math.abs(strides[b]!));
  let expected = 1;
  let first = tensor.offset;
  for (const axis of axes) {
    const reach = (shape[axis]! - 1) * strides[axis]!;
    if (Math.abs(strides[axis]!) !== expected) return tensor.copy();
    expected *= shape[axis]!;
    if (reach < 0) first += reach;
  }
  const { lanes } = DTYPES[dtype];
  const own = data.subarray(first * lanes, (first + size) * lanes) as DataOf;
  return new Tensor({ data: own, dtype, shape, strides, offset: tensor.offset - first });
}

/**
 * The values of `tensor` as `dtype` in fresh memory, scaled on the way when `scaling` is given. A dense tensor keeps its
 * strides; one with gaps comes out in C order.
 *
 * Scaling is computed in float64, one rounding for the product and one for the sum, as nibabel's `apply_read_scaling`.
 * Conversion follows numpy's `astype`: integers wrap, floats are truncated toward zero, complex loses its imaginary part.
 */
export function convert<E extends DType>(tensor: Tensor, dtype: E, scaling?: Scaling): Tensor<E> {
  const { data: values, dtype: from, size, shape, strides, offset } = dense(tensor);
  const data = allocate(dtype, size);
  const { lanes: lanesIn } = DTYPES[from];
  const { lanes: lanesOut } = DTYPES[dtype];
  const { slope, inter } = scaling ?? { slope: 1, inter: 0 };
  // Adding a zero intercept would turn -0 into 0; adding -0 changes nothing.
  const shift = inter === 0 ? -0 : inter;
  if (scaling === undefined && lanesIn === lanesOut && isBig(from) === isBig(dtype)) {
    (data as Numbers).set(values as Numbers);
  } else if (isBig(from) || isBig(dtype)) {
    const toNumber = scaling === undefined && isBig(from) ? exactly(dtype) : Number;
    for (let n = 0; n < size; n++) {
      const value = toNumber(values[n * lanesIn] as bigint) * slope + shift;
      data[n * lanesOut] = isBig(dtype) ? toBig(value) : value;
    }
  } else {
    for (let n = 0; n < size; n++) {
      data[n * lanesOut] = (values[n * lanesIn] as number) * slope + shift;
      if (lanesIn + lanesOut === 4) data[2 * n + 1] = (values[2 * n + 1] as number) * slope;
    }
  }
  return new Tensor({ data, dtype, shape, strides, offset });
}
