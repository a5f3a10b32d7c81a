import {
  type Affine,
  createAffine,
  DTYPES,
  type DType,
  LazyImageError,
  type Shape4D,
  spacingOf,
} from "@lazyimg/core";
import { NIFTI1, NIFTI2 } from "nifti-reader-js";
import { closestQform } from "./closest-qform.js";
import { datatypeCodeOf, NIFTI_DATATYPES } from "./datatypes.js";
import { type NiftiExtension, sizeFor } from "./extensions.js";
import { TEXT_FIELDS } from "./fields.js";
import { type NiftiHeader, SPACE_UNITS, TIME_UNITS, unitsOf } from "./header.js";
import { shape4Of } from "./layout.js";
import { HEADER_BYTES } from "./sniff.js";
import { storedHeader } from "./stored.js";

/** Fields that are written as given, or else as what NIfTI calls unset. */
type Carried =
  | "littleEndian"
  | "scaling"
  | "qformCode"
  | "sformCode"
  | "units"
  | "xyztUnits"
  | "repetitionTime"
  | "toffset"
  | "calMin"
  | "calMax"
  | "intentCode"
  | "intentName"
  | "intentParams"
  | "description"
  | "auxFile"
  | "dimInfo"
  | "sliceCode"
  | "sliceStart"
  | "sliceEnd"
  | "sliceDuration";

/**
 * What a header is made of. A parsed header spreads into it: `{ ...header, shape: shape4Of(header) }`, with `version:
 * undefined` to leave the choice open.
 */
export interface NiftiHeaderInit extends Partial<Pick<NiftiHeader, Carried>> {
  /** (C, I, J, K). One channel is written as (I, J, K), more as (I, J, K, C). */
  readonly shape: Shape4D;
  /** As stored, before scaling. */
  readonly dtype: DType;
  /** Voxel to world. NIfTI-1 keeps it in float32. */
  readonly affine: Affine;
  /** 3 or 4: the channels are the colours of RGB24 or RGBA32 voxels. */
  readonly samples?: 1 | 3 | 4;
  /** Whether several channels are a vector in each voxel, (I, J, K, 1, C), as in displacement fields. */
  readonly vector?: boolean;
  /** The sizes on disk, where they are not what follows from `shape`: fewer than three axes, or more that are 1. */
  readonly diskShape?: readonly number[] | undefined;
  /** By default 1, or 2 where the numbers need it: an axis beyond 32767, or what float32 cannot hold. */
  readonly version?: 1 | 2 | undefined;
  /** Whether the voxels follow in the same file, which is the default; otherwise in the `.img` of a pair. */
  readonly singleFile?: boolean;
  readonly extensions?: readonly NiftiExtension[];
  /**
   * Writes qform, sform and spacing as they are in this header, bit for bit, instead of from `affine`: for an image that
   * is still where its header says.
   */
  readonly forms?: Pick<
    NiftiHeader,
    "quaternion" | "qoffset" | "pixdim" | "qformCode" | "sformCode" | "sformAffine"
  >;
  /** A header that already says all this: its bytes are written as they were stored, if it is still what was parsed. */
  readonly unchanged?: NiftiHeader | undefined;
}

const invalid = (message: string): LazyImageError => new LazyImageError("ERR_INVALID_ARGUMENT", message);

function dimOf({ shape, diskShape, dtype, samples = 1, vector = false }: NiftiHeaderInit): number[] {
  const bytes = shape.reduce((product, size) => product * size, DTYPES[dtype]?.itemSize ?? 1);
  if (shape.length !== 4 || !shape.every((size) => Number.isInteger(size) && size >= 1) || bytes > 2 ** 52) {
    throw invalid(
      `A NIfTI image has a shape (C, I, J, K), whole numbers from 1, and up to 2 ** 52 bytes; got (${shape}).`,
    );
  }
  const [c, i, j, k] = shape;
  if (samples !== 1 && c !== samples)
    throw invalid(`${samples} samples a voxel are ${samples} channels; got ${c}.`);
  const axes = diskShape ?? (c === samples ? [i, j, k] : vector ? [i, j, k, 1, c] : [i, j, k, c]);
  if (shape4Of({ shape: axes, samples }).some((size, axis) => size !== shape[axis])) {
    throw invalid(`An image of shape (${shape}) is not stored as (${axes}).`);
  }
  return [axes.length, ...axes, 1, 1, 1, 1, 1, 1, 1].slice(0, 8);
}

/** Whether the numbers fit NIfTI-1 and come back the same, but for float32's precision. */
function fitsVersion1(
  dim: readonly number[],
  affine: Affine,
  { slope, inter }: { slope: number; inter: number },
): boolean {
  return (
    dim.every((size) => size <= 32767) &&
    // FreeSurfer's sign for a surface of 163842 points.
    dim.slice(1, 4).join() !== "27307,1,6" &&
    [...affine, slope, inter].every((value) => Number.isFinite(Math.fround(value))) &&
    Math.fround(slope) !== 0
  );
}

/** `text` as Latin-1, cut to the size of its field. */
function writeText(bytes: Uint8Array, [at, size]: readonly [number, number], text: string): void {
  for (let n = 0; n < Math.min(size, text.length); n++) {
    const code = text.charCodeAt(n);
    bytes[at + n] = code < 256 ? code : 63; // "?"
  }
}

/** The extensions as they follow the four bytes behind the header: `esize`, `ecode`, `edata`, zeros up to `esize`. */
function encodeExtensions(extensions: readonly NiftiExtension[], littleEndian: boolean): Uint8Array {
  const sizes = extensions.map(({ data, size = 0 }) => (size >= data.length + 8 ? size : sizeFor(data)));
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [n, { code, data }] of extensions.entries()) {
    view.setInt32(at, sizes[n]!, littleEndian);
    view.setInt32(at + 4, code, littleEndian);
    bytes.set(data, at + 8);
    at += sizes[n]!;
  }
  return bytes;
}

/** `xyzt_units`: as stored where it means the same units, because codes that nobody knows all mean "unknown". */
function unitsCode({ units = { space: "mm", time: "sec" }, xyztUnits }: NiftiHeaderInit): number {
  if (xyztUnits !== undefined) {
    const stored = unitsOf(xyztUnits);
    if (stored.space === units.space && stored.time === units.time) return xyztUnits;
  }
  return SPACE_UNITS.indexOf(units.space) | (TIME_UNITS.indexOf(units.time) << 3);
}

/** What an unused sform has in its rows. */
const NO_SFORM: Affine = new Array(16).fill(0);

/** The affine as sform and, without its shears, as qform. */
function formsOf(
  affine: Affine,
  { sformCode, qformCode }: NiftiHeaderInit,
): NonNullable<NiftiHeaderInit["forms"]> {
  const qform = closestQform(affine);
  const code = sformCode || qformCode || 2;
  return {
    sformAffine: affine,
    sformCode: code,
    qformCode: qform === null ? 0 : qformCode || code,
    quaternion: qform?.quaternion ?? [0, 0, 0],
    qoffset: [affine[3]!, affine[7]!, affine[11]!],
    pixdim: [qform?.qfac ?? 1, ...spacingOf(affine), 1, 1, 1, 1],
  };
}

/**
 * A header, the four bytes behind it, and its extensions: in a single file everything before the voxels.
 *
 * The affine is written as sform and, without its shears, as qform; a singular one as sform alone. Their codes are those
 * given, or else 2 (aligned), as nibabel.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` for a shape, affine or scaling that NIfTI, or the version that was asked
 * for, cannot hold; `ERR_UNSUPPORTED_DTYPE` for a data type without a code
 */
export function encodeNiftiHeader(init: NiftiHeaderInit): Uint8Array {
  const { samples = 1, dtype, littleEndian = true, singleFile = true, extensions = [], unchanged } = init;
  const tail = encodeExtensions(extensions, littleEndian);
  const stored = singleFile && unchanged !== undefined ? storedHeader(unchanged, tail) : undefined;
  if (stored !== undefined) return stored;
  const dim = dimOf(init);
  const affine = createAffine(init.affine);
  const scaling = init.scaling ?? { slope: 1, inter: 0 };
  if (scaling.slope === 0 || !Number.isFinite(scaling.slope) || !Number.isFinite(scaling.inter)) {
    throw invalid(
      `Scaling has a finite slope other than 0 and a finite intercept; got ${JSON.stringify(scaling)}.`,
    );
  }
  const fits = fitsVersion1(dim, affine, scaling);
  const version = init.version ?? (fits ? 1 : 2);
  if (version === 1 && !fits) {
    throw invalid(
      `NIfTI-1 cannot hold dim [${dim}] with affine [${affine}], slope ${scaling.slope} and intercept ` +
        `${scaling.inter}: it has 16-bit sizes and float32 numbers. Leave version out, or set it to 2.`,
    );
  }
  const datatypeCode = datatypeCodeOf(dtype, samples);
  if (datatypeCode === undefined) {
    const known = Object.values(NIFTI_DATATYPES).map(({ name }) => name);
    throw new LazyImageError(
      "ERR_UNSUPPORTED_DTYPE",
      `NIfTI has no datatype for ${samples} samples of ${dtype}; expected one of ${known.join(", ")}. Convert first.`,
    );
  }

  const { pixdim, ...forms } = init.forms ?? formsOf(affine, init);
  const [intent_p1, intent_p2, intent_p3] = init.intentParams ?? [0, 0, 0];
  const plain = Object.assign(version === 1 ? new NIFTI1() : new NIFTI2(), {
    littleEndian,
    dims: dim,
    datatypeCode,
    numBitsPerVoxel: 8 * DTYPES[dtype].itemSize * samples,
    pixDims: [...pixdim.slice(0, 4), init.repetitionTime ?? 1, ...pixdim.slice(5)],
    vox_offset: singleFile ? HEADER_BYTES[version] + 4 + tail.length : 0,
    scl_slope: scaling.slope,
    scl_inter: scaling.inter,
    affine: [0, 4, 8, 12].map((n) => (forms.sformAffine ?? NO_SFORM).slice(n, n + 4)),
    sform_code: forms.sformCode,
    qform_code: forms.qformCode,
    quatern_b: forms.quaternion[0],
    quatern_c: forms.quaternion[1],
    quatern_d: forms.quaternion[2],
    qoffset_x: forms.qoffset[0],
    qoffset_y: forms.qoffset[1],
    qoffset_z: forms.qoffset[2],
    xyzt_units: unitsCode(init),
    toffset: init.toffset ?? 0,
    cal_min: init.calMin ?? 0,
    cal_max: init.calMax ?? 0,
    intent_code: init.intentCode ?? 0,
    intent_p1,
    intent_p2,
    intent_p3,
    dim_info: init.dimInfo ?? 0,
    slice_code: init.sliceCode ?? 0,
    slice_start: init.sliceStart ?? 0,
    slice_end: init.sliceEnd ?? 0,
    slice_duration: init.sliceDuration ?? 0,
    magic: `n${singleFile ? "+" : "i"}${version}\0${version === 1 ? "" : "\r\n\x1a\n"}`,
  });
  const header = new Uint8Array(plain.toArrayBuffer());
  // nifti-reader-js writes text as UTF-8 and without regard to the size of its field.
  const fields = TEXT_FIELDS[version];
  writeText(header, fields.description, init.description ?? "");
  writeText(header, fields.auxFile, init.auxFile ?? "");
  writeText(header, fields.intentName, init.intentName ?? "");
  const bytes = new Uint8Array(header.length + tail.length);
  bytes.set(header);
  bytes.set(tail, header.length);
  if (tail.length > 0) bytes[HEADER_BYTES[version]] = 1;
  return bytes;
}
