import { allocate, type DataOf, DTYPES, type DType } from "./dtype.js";
import { Tensor } from "./tensor.js";

/** `stored * slope + inter`. */
export interface Scaling {
  readonly slope: number;
  readonly inter: number;
}

type Numbers = Exclude<DataOf, BigInt64Array | BigUint64Array>;
type BigInts = BigInt64Array | BigUint64Array;

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

/** A number as a 64-bit integer, truncated; what has no such value is the least one, as numpy on x86-64. */
function toBig(value: number): bigint {
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : -(2n ** 63n);
}

/** All the elements between the first and the last of a dense tensor, in memory order; undefined where it has gaps. */
function denseData(tensor: Tensor): DataOf | undefined {
  const { data, offset, shape, strides, size, dtype } = tensor;
  const axes = [0, 1, 2, 3].filter((axis) => shape[axis] !== 1).sort((a, b) => strides[a]! - strides[b]!);
  let expected = 1;
  for (const axis of axes) {
    if (strides[axis] !== expected) return undefined;
    expected *= shape[axis]!;
  }
  const { lanes } = DTYPES[dtype];
  return data.subarray(offset * lanes, (offset + size) * lanes);
}

/**
 * The values of `tensor` as `dtype` in fresh memory, scaled on the way when `scaling` is given. A dense tensor keeps its
 * strides; one with gaps comes out in C order.
 *
 * Scaling is computed in float64, one rounding for the product and one for the sum, as nibabel's `apply_read_scaling`.
 * Conversion follows numpy's `astype`: integers wrap, floats are truncated toward zero, complex loses its imaginary part.
 */
export function convert<E extends DType>(tensor: Tensor, dtype: E, scaling?: Scaling): Tensor<E> {
  let source = tensor;
  let values = denseData(source);
  if (values === undefined) {
    source = source.copy("C");
    values = source.data;
  }
  const from = source.dtype;
  const { size, shape, strides } = source;
  const data = allocate(dtype, size);
  const { lanes: lanesIn } = DTYPES[from];
  const { lanes: lanesOut } = DTYPES[dtype];
  if (scaling === undefined && isBig(from) && isBig(dtype)) (data as BigInts).set(values as BigInts);
  else if (isBig(from)) fromBig(values as BigInts, data, lanesOut, scaling, dtype);
  else if (isBig(dtype)) toBigs(values as Numbers, data as BigInts, lanesIn, scaling);
  else if (scaling === undefined && lanesIn === lanesOut) (data as Numbers).set(values as Numbers);
  else scale(values as Numbers, data as Numbers, lanesIn, lanesOut, scaling);
  return new Tensor({ data, dtype, shape, strides });
}

function fromBig(
  values: BigInts,
  out: DataOf,
  lanes: number,
  scaling: Scaling | undefined,
  dtype: DType,
): void {
  if (scaling !== undefined) {
    const scaled = Float64Array.from(values as Iterable<bigint> & ArrayLike<bigint>, Number);
    scale(scaled, scaled, 1, 1, scaling);
    if (isBig(dtype)) toBigs(scaled, out as BigInts, 1, undefined);
    else scale(scaled, out as Numbers, 1, lanes, undefined);
    return;
  }
  const { kind } = DTYPES[dtype];
  const numbers = out as Numbers;
  const single = dtype === "float32" || dtype === "complex64";
  for (let n = 0; n < values.length; n++) {
    const value = values[n]!;
    numbers[n * lanes] =
      kind === "i" || kind === "u"
        ? Number(value & 0xffffffffn)
        : single
          ? bigToFloat32(value)
          : Number(value);
  }
}

function toBigs(values: Numbers, out: BigInts, lanes: number, scaling: Scaling | undefined): void {
  const { slope, inter } = scaling ?? { slope: 1, inter: 0 };
  for (let n = 0; n < out.length; n++) out[n] = toBig(values[n * lanes]! * slope + inter);
}

function scale(
  values: Numbers,
  out: Numbers,
  lanesIn: number,
  lanesOut: number,
  scaling: Scaling | undefined,
): void {
  const { slope, inter } = scaling ?? { slope: 1, inter: 0 };
  const elements = out.length / lanesOut;
  for (let n = 0; n < elements; n++) {
    // Adding a zero intercept would turn -0 into 0.
    const re = values[n * lanesIn]! * slope;
    out[n * lanesOut] = inter === 0 ? re : re + inter;
    if (lanesOut === 2 && lanesIn === 2) out[2 * n + 1] = values[2 * n + 1]! * slope;
  }
}
