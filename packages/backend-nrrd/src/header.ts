import {
  type Affine,
  type AffineSource,
  DTYPES,
  type DType,
  LazyImageError,
  type Shape4D,
  type Strides4D,
} from "@lazyimg/core";
import { geometryOf } from "./affine.js";
import { axesOf } from "./axes.js";
import { type NrrdFields, parseFields, quoted } from "./fields.js";

/** The header of an NRRD image, as it is read. */
export interface NrrdHeader extends NrrdFields {
  /** Samples along every axis on disk, the fastest first. */
  readonly sizes: readonly number[];
  readonly dtype: DType;
  readonly littleEndian: boolean;
  readonly encoding: "raw" | "gzip";
  /** The file that holds the voxels, where it is not this one. */
  readonly dataFile: string | undefined;
  /** Lines of the data file before the voxels, and then bytes; -1 when they are at its end. */
  readonly lineSkip: number;
  readonly byteSkip: number;
  /** (C, I, J, K). */
  readonly shape: Shape4D;
  /** Elements between neighbours along C, I, J, K on disk. */
  readonly strides: Strides4D;
  /** Voxel to RAS+. */
  readonly affine: Affine;
  readonly affineSource: AffineSource;
}

/** The names that each type goes by. */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  int8: ["signed char", "int8", "int8_t"],
  uint8: ["uchar", "unsigned char", "uint8", "uint8_t"],
  int16: ["short", "short int", "signed short", "signed short int", "int16", "int16_t"],
  uint16: ["ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"],
  int32: ["int", "signed int", "int32", "int32_t"],
  uint32: ["uint", "unsigned int", "uint32", "uint32_t"],
  int64: [
    "longlong",
    "long long",
    "long long int",
    "signed long long",
    "signed long long int",
    "int64",
    "int64_t",
  ],
  uint64: ["ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"],
  float32: ["float"],
  float64: ["double"],
};

/**
 * Parses an NRRD header and checks what reading needs of it.
 *
 * @param text from the magic to the empty line, or to the end of the file
 * @param given the caller's affine, with which a broken one in the file does no harm
 * @throws LazyImageError `ERR_HEADER` for a field that is missing or makes no sense, `ERR_UNSUPPORTED` for an encoding or
 * axes that are not read, `ERR_UNSUPPORTED_DTYPE`
 */
export function parseNrrdHeader(text: string, what: string, given?: Affine): NrrdHeader {
  const parsed = parseFields(text, what);
  const { fields } = parsed;
  const required = (name: string): string => {
    const value = fields[name];
    if (value !== undefined) return value;
    throw new LazyImageError("ERR_HEADER", `${what} has no field "${name}"; its header is damaged.`);
  };
  const type = required("type").toLowerCase().replace(/\s+/g, " ");
  const stored = Object.keys(TYPES).find((dtype) => TYPES[dtype]!.includes(type)) as DType | undefined;
  if (stored === undefined) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED_DTYPE",
      `${what} has voxels of type ${quoted(type)}; NRRD's integers, float and double are read.`,
    );
  }
  const encoding = encodingOf(required("encoding"), what);
  const endian = DTYPES[stored].itemSize === 1 ? "little" : required("endian").toLowerCase();
  if (endian !== "little" && endian !== "big") {
    throw new LazyImageError("ERR_HEADER", `${what} has the endian ${quoted(endian)}; it is little or big.`);
  }
  const dimension = count("dimension", required("dimension"), what, 1);
  const sizes = required("sizes")
    .split(/\s+/)
    .map((size) => count("sizes", size, what, 1));
  if (sizes.length !== dimension) {
    throw new LazyImageError(
      "ERR_HEADER",
      `${what} states ${dimension} dimensions and ${sizes.length} sizes; its header is damaged.`,
    );
  }
  const dataFile = fields["data file"];
  // A list of names follows, or there is one for each number from a first to a last one.
  const [pattern = "", ...range] = dataFile?.split(/\s+/) ?? [];
  if (pattern === "LIST" || (pattern.includes("%") && range.some((word) => /^-?\d+$/.test(word)))) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `${what} has its voxels in several files, ${quoted(dataFile!)}; one data file is read. Join them, with unu save for instance.`,
    );
  }
  const axes = axesOf(parsed, sizes, stored, what);
  return {
    ...parsed,
    sizes,
    encoding,
    littleEndian: endian === "little",
    dataFile,
    lineSkip: count("line skip", fields["line skip"] ?? "0", what, 0),
    byteSkip: count("byte skip", fields["byte skip"] ?? "0", what, -1),
    dtype: axes.dtype,
    shape: axes.shape,
    strides: axes.strides,
    ...(given === undefined
      ? geometryOf(parsed, axes.spatial, sizes, what)
      : { affine: given, affineSource: "override" }),
  };
}

function encodingOf(encoding: string, what: string): NrrdHeader["encoding"] {
  const lower = encoding.toLowerCase();
  if (lower === "raw") return "raw";
  if (lower === "gzip" || lower === "gz") return "gzip";
  throw new LazyImageError(
    "ERR_UNSUPPORTED",
    `${what} has the encoding ${quoted(encoding)}; raw and gzip are read. Convert it, with unu save -e gzip for instance.`,
  );
}

/** A whole number of at least `least`. */
function count(field: string, text: string, what: string, least: number): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least) return value;
  throw new LazyImageError(
    "ERR_HEADER",
    `${what} has ${quoted(text)} in "${field}"; expected whole numbers, ${least} or more.`,
  );
}
