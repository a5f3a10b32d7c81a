import { float16Bits } from "@lazyimg/codecs";
import { DTYPES, type DType, isDType, LazyImageError } from "@lazyimg/core";
import { badMetadata, isObject, show } from "./json.js";

/** How elements lie in a chunk, and what they become. */
export interface StoredType {
  /** The name in the metadata, for messages and for zarrita. */
  readonly name: string;
  /** Data type of the tensor. */
  readonly dtype: DType;
  /** Bytes of one element in a chunk, all samples included. */
  readonly itemSize: number;
  /** Interleaved samples of one element: 3 for RGB, 4 for RGBA, n for n opaque bytes, otherwise 1. */
  readonly samples: number;
  /** Bytes of one number, for byte order: half an element for complex ones. */
  readonly numberSize: number;
  /** float16, which becomes float32: JavaScript on Node 20 has no such array. */
  readonly half: boolean;
  /** Bytes without a meaning of their own: a header, never voxels. */
  readonly opaque: boolean;
}

function plain(name: string, dtype: DType): StoredType {
  const { itemSize, lanes } = DTYPES[dtype];
  return { name, dtype, itemSize, samples: 1, numberSize: itemSize / lanes, half: false, opaque: false };
}

/** Samples of one byte each: RGB24, RGBA32 (NIfTI datatypes 128 and 2304), or opaque bytes. */
function samples(name: string, count: number, opaque: boolean): StoredType {
  return { name, dtype: "uint8", itemSize: count, samples: count, numberSize: 1, half: false, opaque };
}

const half = (name: string): StoredType => ({
  ...plain(name, "float32"),
  itemSize: 2,
  numberSize: 2,
  half: true,
});

const V2: Readonly<Record<string, DType>> = {
  b1: "uint8",
  i1: "int8",
  u1: "uint8",
  i2: "int16",
  u2: "uint16",
  i4: "int32",
  u4: "uint32",
  i8: "int64",
  u8: "uint64",
  f4: "float32",
  f8: "float64",
  c8: "complex64",
  c16: "complex128",
};

const unsupported = (key: string, found: unknown): LazyImageError =>
  new LazyImageError(
    "ERR_UNSUPPORTED_DTYPE",
    `Zarr metadata ${key}: data type ${show(found)} is not read; integers of 8 to 64 bits, bool, float16 to float64, complex64, complex128 and RGB(A) of uint8 are.`,
  );

/** `[["R", "|u1"], ["G", "|u1"], ["B", "|u1"]]`, or RGBA: how numpy and niizarr spell NIfTI's RGB. */
function rgb(fields: readonly unknown[], isByte: (type: unknown) => boolean): number | undefined {
  const names = fields.map((field) =>
    Array.isArray(field) ? [field[0], field[1]] : isObject(field) ? [field.name, field.data_type] : [],
  );
  const spelled = names.map(([name]) => (typeof name === "string" ? name.toUpperCase() : "?")).join("");
  return (spelled === "RGB" || spelled === "RGBA") && names.every(([, type]) => isByte(type))
    ? names.length
    : undefined;
}

/**
 * A v2 dtype: `"<i2"`, `">c8"`, or fields of a structure.
 *
 * @throws LazyImageError `ERR_UNSUPPORTED_DTYPE` for what no tensor holds
 */
export function parseV2Type(value: unknown, key: string): { type: StoredType; bigEndian: boolean } {
  if (Array.isArray(value)) {
    const count = rgb(value, (type) => type === "|u1" || type === "u1");
    if (count === undefined) throw unsupported(key, value);
    return { type: samples("structured", count, false), bigEndian: false };
  }
  const match = typeof value === "string" ? /^([<>|=])([a-zA-Z])(\d+)$/.exec(value) : null;
  if (match === null)
    throw typeof value === "string" ? unsupported(key, value) : badMetadata(key, `dtype ${show(value)}`);
  const [, order, kind, size] = match as unknown as [string, string, string, string];
  const name = kind + size;
  const bigEndian = order === ">";
  if (name === "f2") return { type: half("float16"), bigEndian };
  if ((kind === "S" || kind === "V") && Number(size) >= 1 && Number(size) <= 65_536) {
    return { type: samples(name, Number(size), true), bigEndian: false };
  }
  const dtype = V2[name];
  if (dtype === undefined) throw unsupported(key, value);
  return { type: plain(name, dtype), bigEndian };
}

/**
 * A v3 data type: `"int16"`, or an object with a name and a configuration.
 *
 * @throws LazyImageError `ERR_UNSUPPORTED_DTYPE` for what no tensor holds
 */
export function parseV3Type(value: unknown, key: string): StoredType {
  if (value === "bool") return plain("bool", "uint8");
  if (value === "float16") return half("float16");
  if (isDType(value)) return plain(value, value);
  const raw = typeof value === "string" ? /^r(\d+)$/.exec(value) : null;
  if (raw !== null && Number(raw[1]) % 8 === 0 && Number(raw[1]) > 0)
    return samples(value as string, Number(raw[1]) / 8, true);
  if (isObject(value) && isObject(value.configuration)) {
    const { fields, length_bytes: length } = value.configuration;
    if (Array.isArray(fields)) {
      const count = rgb(fields, (type) => type === "uint8");
      if (count !== undefined)
        return samples(typeof value.name === "string" ? value.name : "structured", count, false);
    }
    const opaque = value.name === "null_terminated_bytes" || value.name === "raw_bytes";
    if (opaque && Number.isSafeInteger(length) && (length as number) > 0 && (length as number) <= 65_536) {
      return samples(value.name as string, length as number, true);
    }
  }
  throw unsupported(key, value);
}

/**
 * The fill value as the little-endian bytes of one element. Zero where the metadata leave it open (`null`).
 *
 * @throws LazyImageError `ERR_CORRUPT` for a value that the type cannot hold
 */
export function fillBytes(type: StoredType, value: unknown, key: string): Uint8Array {
  const bytes = new Uint8Array(type.itemSize);
  if (value === null || value === undefined || value === 0 || value === "") return bytes;
  const fail = (): LazyImageError =>
    badMetadata(key, `fill value ${show(value)} is none of data type ${type.name}`);
  if (type.samples > 1) {
    // numpy writes the bytes of a structure in base64.
    if (typeof value !== "string") return bytes;
    try {
      const found = atob(value);
      for (let n = 0; n < Math.min(found.length, bytes.length); n++) bytes[n] = found.charCodeAt(n);
    } catch {
      throw fail();
    }
    return bytes;
  }
  const view = new DataView(bytes.buffer);
  const parts = DTYPES[type.dtype].lanes === 2 && Array.isArray(value) ? (value as unknown[]) : [value];
  for (const [lane, part] of parts.slice(0, 2).entries())
    writeNumber(view, lane * type.numberSize, type, part, fail);
  return bytes;
}

function writeNumber(
  view: DataView,
  at: number,
  type: StoredType,
  part: unknown,
  fail: () => LazyImageError,
): void {
  const { dtype, numberSize } = type;
  const kind = type.half ? "f" : DTYPES[dtype].kind;
  if (typeof part === "string" && /^0x[0-9a-f]+$/i.test(part)) {
    // v3: the bits of a float, most significant first.
    const bits = BigInt(part);
    for (let n = 0; n < numberSize; n++) view.setUint8(at + n, Number((bits >> BigInt(8 * n)) & 255n));
    return;
  }
  const named: Readonly<Record<string, number>> = {
    NaN: Number.NaN,
    Infinity: Infinity,
    "-Infinity": -Infinity,
  };
  if (typeof part === "object") throw fail();
  const number = typeof part === "string" ? (named[part] ?? Number(part)) : Number(part);
  if (Number.isNaN(number) && part !== "NaN") throw fail();
  if (kind === "f" || kind === "c") {
    if (type.half) view.setUint16(at, float16Bits(number), true);
    else if (numberSize === 4) view.setFloat32(at, number, true);
    else view.setFloat64(at, number, true);
    return;
  }
  if (!Number.isInteger(number)) throw fail();
  const integer = typeof part === "string" ? BigInt(part) : BigInt(number);
  for (let n = 0; n < numberSize; n++) view.setUint8(at + n, Number((integer >> BigInt(8 * n)) & 255n));
}
