import { allocate, type DataOf, DTYPES, type DType } from "./dtype.js";
import { extentOf, Tensor } from "./tensor.js";

/** `stored * slope + inter`. */
export interface Scaling {
  readonly slope: number;
  readonly inter: number;
}

type Numbers = Exclude<DataOf, BigInt64Array | BigUint64Array>;

const isBig = (dtype: DType): boolean => dtype.endsWith("int64");

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
  const sticky = (value >> 11n) | BigInt((value & 2047n) > 0n);
  return Math.fround(Number.isSafeInteger(exact) ? exact : Number(sticky) * 2048);
}

/** What a bigint is stored as in a `dtype` of numbers: an integer keeps its low bits, a float is rounded once. */
function exactly(dtype: DType): (value: bigint) => number {
  const { kind, array } = DTYPES[dtype];
  if (array === Float32Array) return bigToFloat32;
  return kind === "f" || kind === "c" ? Number : (value) => Number(BigInt.asIntN(32, value));
}

/** A number as a 64-bit integer, truncated; what has no such value is the least one, as numpy on x86-64. */
function toBig(value: number): bigint {
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : -(2n ** 63n);
}

/**
 * The values of `tensor` as `dtype` in fresh memory, scaled on the way when `scaling` is given. A dense tensor keeps its
 * strides; one with gaps comes out in C order.
 *
 * Scaling is computed in float64, one rounding for the product and one for the sum, as nibabel's `apply_read_scaling`.
 * Conversion follows numpy's `astype`: integers wrap, floats are truncated toward zero, complex loses its imaginary part.
 */
export function convert<E extends DType>(tensor: Tensor, dtype: E, scaling?: Scaling): Tensor<E> {
  const { dtype: from, size, shape, strides, offset } = tensor;
  const [first, last] = extentOf(shape, strides, offset);
  if (size > 0 && last - first + 1 !== size) return convert(tensor.copy(), dtype, scaling);
  const { lanes: lanesIn } = DTYPES[from];
  const { lanes: lanesOut } = DTYPES[dtype];
  const values = tensor.data.subarray(first * lanesIn, (first + size) * lanesIn);
  const data = allocate(dtype, size);
  const { slope, inter } = scaling ?? { slope: 1, inter: 0 };
  // Adding a zero intercept would turn -0 into 0; adding -0 changes nothing.
  const shift = inter === 0 ? -0 : inter;
  const [bigIn, bigOut] = [isBig(from), isBig(dtype)];
  if (scaling === undefined && lanesIn === lanesOut && bigIn === bigOut)
    (data as Numbers).set(values as Numbers);
  else {
    const toNumber = scaling === undefined ? exactly(dtype) : Number;
    for (let n = 0; n < size; n++) {
      const stored = values[n * lanesIn]!;
      const value = (bigIn ? toNumber(stored as bigint) : (stored as number)) * slope + shift;
      data[n * lanesOut] = bigOut ? toBig(value) : value;
      if (lanesIn + lanesOut === 4) data[2 * n + 1] = (values[2 * n + 1] as number) * slope;
    }
  }
  return new Tensor({ data, dtype, shape, strides, offset: offset - first });
}
