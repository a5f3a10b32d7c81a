import { LazyImageError } from "./errors.js";

/** What a data type is made of. */
interface DTypeInfo {
  /** Bytes of one element; a complex element counts both of its parts. */
  readonly itemSize: number;
  /** numpy's kind: signed, unsigned, float, complex. */
  readonly kind: "i" | "u" | "f" | "c";
  /** Array entries of one element: 2 for complex (real, imaginary), otherwise 1. */
  readonly lanes: 1 | 2;
  /** The typed array that holds elements. */
  readonly array: TypedArrayConstructor;
}

/** The typed arrays that hold each data type. Complex numbers are interleaved pairs. */
interface DataTypes {
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  float32: Float32Array;
  float64: Float64Array;
  complex64: Float32Array;
  complex128: Float64Array;
}

/** A data type by numpy's name. Byte order is a matter of storage: tensors are always in the machine's own. */
export type DType = keyof DataTypes;

/** The typed array that holds elements of `D`. */
export type DataOf<D extends DType = DType> = DataTypes[D];

/** One element of `D`: a number, a bigint for 64-bit integers, or a [real, imaginary] pair. */
export type ScalarOf<D extends DType = DType> = D extends "complex64" | "complex128"
  ? readonly [re: number, im: number]
  : D extends "int64" | "uint64"
    ? bigint
    : number;

/** Constructor of any of the typed arrays that hold voxels. */
export type TypedArrayConstructor = {
  new (length: number): DataOf;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): DataOf;
  readonly BYTES_PER_ELEMENT: number;
  readonly name: string;
};

/** Every data type that a tensor can have. */
export const DTYPES: Readonly<Record<DType, DTypeInfo>> = /* @__PURE__ */ (() => {
  const arrays: Record<DType, TypedArrayConstructor> = {
    int8: Int8Array,
    uint8: Uint8Array,
    int16: Int16Array,
    uint16: Uint16Array,
    int32: Int32Array,
    uint32: Uint32Array,
    int64: BigInt64Array,
    uint64: BigUint64Array,
    float32: Float32Array,
    float64: Float64Array,
    complex64: Float32Array,
    complex128: Float64Array,
  };
  const entries = Object.entries(arrays).map(([name, array]) => {
    // The name tells the kind by its first letter, and the bits.
    const kind = name[0] as DTypeInfo["kind"];
    const lanes = kind === "c" ? 2 : 1;
    return [name, { kind, lanes, array, itemSize: Number(name.replace(/\D+/, "")) / 8 }];
  });
  return Object.freeze(Object.fromEntries(entries));
})();

/** Whether `name` is one of the data types that a tensor can have. */
export function isDType(name: unknown): name is DType {
  return typeof name === "string" && Object.hasOwn(DTYPES, name);
}

/**
 * The name of a data type, checked.
 *
 * @throws LazyImageError `ERR_UNSUPPORTED_DTYPE` when it is none of core's
 */
export function checkDType<D extends DType>(dtype: D): D {
  if (isDType(dtype)) return dtype;
  throw new LazyImageError(
    "ERR_UNSUPPORTED_DTYPE",
    `Data type ${String(dtype)} is not understood; use ${Object.keys(DTYPES)}.`,
  );
}

/**
 * Fresh, zeroed memory for `elements` elements of `dtype`.
 *
 * @throws LazyImageError `ERR_LIMIT` when the platform has not so much
 */
export function allocate<D extends DType>(dtype: D, elements: number): DataOf<D> {
  const { array, lanes } = DTYPES[dtype];
  try {
    return new array(elements * lanes) as DataOf<D>;
  } catch (cause) {
    throw new LazyImageError("ERR_LIMIT", `No memory for ${elements} voxels of ${dtype}; read in parts.`, {
      cause,
    });
  }
}

/** The same memory as bytes. */
export function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
