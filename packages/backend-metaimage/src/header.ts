import {
  type Affine,
  type AffineSource,
  type DType,
  LazyImageError,
  type Shape4D,
  type Strides4D,
} from "@lazyimg/core";
import { stridesInOrder } from "@lazyimg/raw-array";
import { affineOf } from "./affine.js";
import { integers, isTrue, quoted, required, type Tags, tagsOf } from "./tags.js";

/** The header of a MetaImage, as it is read. */
export interface MetaImageHeader {
  /** Every tag of the file's as text, by name. */
  readonly tags: Tags;
  readonly dtype: DType;
  readonly littleEndian: boolean;
  /** Whether the voxels are compressed, and the bytes that takes; 0 where the file does not say. */
  readonly compressed: boolean;
  readonly compressedSize: number;
  /** The file that holds the voxels, where it is not this one. */
  readonly dataFile: string | undefined;
  /** Bytes of the data file before the voxels; 0 when they follow the header, -1 when they are at its end. */
  readonly headerSize: number;
  /** (C, I, J, K). */
  readonly shape: Shape4D;
  /** Elements between neighbours along C, I, J, K on disk. */
  readonly strides: Strides4D;
  /** Voxel to RAS+. */
  readonly affine: Affine;
  readonly affineSource: AffineSource;
}

/** MET_LONG has 4 bytes on every machine. */
const DTYPES: ReadonlyMap<string, DType> = /* @__PURE__ */ new Map([
  ["CHAR", "int8"],
  ["UCHAR", "uint8"],
  ["SHORT", "int16"],
  ["USHORT", "uint16"],
  ["INT", "int32"],
  ["UINT", "uint32"],
  ["LONG", "int32"],
  ["ULONG", "uint32"],
  ["LONG_LONG", "int64"],
  ["ULONG_LONG", "uint64"],
  ["FLOAT", "float32"],
  ["DOUBLE", "float64"],
]);

/**
 * Parses a MetaImage header and checks what reading needs of it.
 *
 * @param text up to the line with ElementDataFile
 * @param given the caller's affine, with which a broken one in the file does no harm
 * @throws LazyImageError `ERR_HEADER` for a tag that is missing or makes no sense, `ERR_UNSUPPORTED` for voxels in text or
 * in several files, and for other axes; `ERR_UNSUPPORTED_DTYPE`
 */
export function parseMetaImageHeader(text: string, what: string, given?: Affine): MetaImageHeader {
  const tags = tagsOf(text, what);
  const unsupported = (found: string, instead: string): LazyImageError =>
    new LazyImageError("ERR_UNSUPPORTED", `${what} ${found}; ${instead}.`);
  const { ObjectType = "Image", BinaryData = "True" } = tags;
  if (ObjectType !== "Image") throw unsupported(`holds the object ${quoted(ObjectType)}`, "images are read");
  if (!isTrue(BinaryData)) throw unsupported("has its voxels in text", "binary ones are read");
  const [axes] = integers(tags, "NDims", 1, 1, what) as [number];
  if (axes > 4) throw unsupported(`has ${axes} axes`, "1 to 4 are read");
  const sizes = integers(tags, "DimSize", axes, 1, what);
  const [i = 1, j = 1, k = 1, frames = 1] = sizes;
  const [channels] = integers(tags, "ElementNumberOfChannels", 1, 1, what, "1") as [number];
  if (frames > 1 && channels > 1) {
    throw unsupported(`has ${frames} frames of ${channels} channels`, "either are read");
  }
  const type = required(tags, "ElementType", what);
  const dtype = DTYPES.get(/^MET_(.*?)(_ARRAY)?$/.exec(type)?.[1] ?? "");
  if (dtype === undefined) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED_DTYPE",
      `${what} has voxels of type ${quoted(type)}; those that are read are ${[...DTYPES.keys()].map((name) => `MET_${name}`)}.`,
    );
  }
  const dataFile = required(tags, "ElementDataFile", what);
  // A list of names follows, or there is one for each number from a first to a last one.
  const [pattern = "", ...range] = dataFile.split(/\s+/);
  if (/^LIST$/i.test(pattern) || (pattern.includes("%") && range.some((word) => /^\d+$/.test(word)))) {
    throw unsupported(`has its voxels in several files, ${quoted(dataFile)}`, "one data file is read");
  }
  const shape: Shape4D = [channels * frames, i, j, k];
  const [headerSize] = integers(tags, "HeaderSize", 1, -1, what, "0") as [number];
  const [compressedSize] = integers(tags, "CompressedDataSize", 1, 0, what, "0") as [number];
  return {
    tags,
    dtype,
    littleEndian: !isTrue(tags.BinaryDataByteOrderMSB ?? tags.ElementByteOrderMSB ?? "False"),
    compressed: isTrue(tags.CompressedData ?? "False"),
    compressedSize,
    dataFile: /^LOCAL$/i.test(dataFile) ? undefined : dataFile,
    headerSize,
    shape,
    strides: stridesInOrder(shape, channels > 1 ? [0, 1, 2, 3] : [1, 2, 3, 0]),
    ...(given === undefined ? affineOf(tags, axes, what) : { affine: given, affineSource: "override" }),
  };
}
