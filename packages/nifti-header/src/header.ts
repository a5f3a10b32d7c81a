import { type Affine, createAffine, DTYPES, type DType, LazyImageError, type Scaling } from "@lazyimg/core";
import { baseAffine, qformAffine, sformAffine } from "./affine.js";
import { NIFTI_DATATYPES, type NiftiDatatype, UNSUPPORTED_DATATYPES } from "./datatypes.js";
import { readFields } from "./fields.js";
import { HEADER_BYTES, hasSizeOf, type NiftiSignature, sniffNifti } from "./sniff.js";

/** Unit of `pixdim[1..3]` and of the affine. */
export type SpaceUnit = "unknown" | "meter" | "mm" | "micron";
/** Unit of `pixdim[4]`, `toffset` and `slice_duration`. */
export type TimeUnit = "unknown" | "sec" | "msec" | "usec" | "hz" | "ppm" | "rads";

/** `xyzt_units`: the low three bits for space, the next three for time. */
export const SPACE_UNITS: readonly SpaceUnit[] = ["unknown", "meter", "mm", "micron"];
export const TIME_UNITS: readonly TimeUnit[] = ["unknown", "sec", "msec", "usec", "hz", "ppm", "rads"];

/** The units that a value of `xyzt_units` names. */
export function unitsOf(xyztUnits: number): { space: SpaceUnit; time: TimeUnit } {
  return { space: SPACE_UNITS[xyztUnits & 7] ?? "unknown", time: TIME_UNITS[xyztUnits >> 3] ?? "unknown" };
}

/** A NIfTI header, checked and repaired as nibabel does. Each name is followed by the field it comes from. */
export interface NiftiHeader extends NiftiSignature {
  /** `sizeof_hdr`: 348 or 540. */
  readonly headerBytes: 348 | 540;
  /** `dim`: the rank and seven sizes, as stored. */
  readonly dim: readonly number[];
  /** One size per axis, as nibabel's `get_data_shape()`: `dim[1..rank]`, FreeSurfer's long vectors unfolded. */
  readonly shape: readonly number[];
  /** `datatype`. */
  readonly datatypeCode: number;
  /** Bits of one voxel, by `datatype`; what `bitpix` says is ignored. */
  readonly bitpix: number;
  /** Data type of one sample. */
  readonly dtype: DType;
  /** Interleaved samples of one voxel: 3 for RGB24, 4 for RGBA32, otherwise 1. */
  readonly samples: 1 | 3 | 4;
  /** `vox_offset`: where the voxels begin, in bytes; in a pair, within the image file. */
  readonly voxOffset: number;
  /** Size of all voxels on disk, in bytes; a safe integer, but not compared with any file. */
  readonly voxelBytes: number;
  /** `scl_slope` and `scl_inter`, where they change something; undefined otherwise and for RGB. */
  readonly scaling: Scaling | undefined;
  /** `scl_slope` as stored. */
  readonly sclSlope: number;
  /** `scl_inter` as stored. */
  readonly sclInter: number;

  /** Voxel to world, as nibabel's `get_best_affine()`: in the file's own unit, which is nearly always millimetres. */
  readonly affine: Affine;
  /** Where `affine` comes from; "override" when it was given by the caller. */
  readonly affineSource: "sform" | "qform" | "base" | "override";
  /** `qform_code`; 0 when it is not from 0 to 5. */
  readonly qformCode: number;
  /** `sform_code`; 0 when it is not from 0 to 5. */
  readonly sformCode: number;
  /** The qform's affine; null when its code is 0 or its numbers make no rotation. */
  readonly qformAffine: Affine | null;
  /** The sform's affine; null when its code is 0 or a number is not finite. */
  readonly sformAffine: Affine | null;
  /** `quatern_b`, `quatern_c`, `quatern_d`. */
  readonly quaternion: readonly [b: number, c: number, d: number];
  /** `qoffset_x`, `qoffset_y`, `qoffset_z`. */
  readonly qoffset: readonly [x: number, y: number, z: number];
  /** `pixdim`: [0] is 1 or -1, [1..3] are positive (0 becomes 1) or NaN, the rest as stored. */
  readonly pixdim: readonly number[];
  /** `pixdim[1..rank]`, as nibabel's `get_zooms()`. */
  readonly zooms: readonly number[];
  /** `xyzt_units`, as two names. */
  readonly units: { readonly space: SpaceUnit; readonly time: TimeUnit };
  /** `xyzt_units` as stored. */
  readonly xyztUnits: number;
  /** `pixdim[4]`, in `units.time`: of a time series, the time from one volume to the next. */
  readonly repetitionTime: number;
  /** `toffset`, in `units.time`. */
  readonly toffset: number;

  /** `cal_min`: the value to show as black; with `calMax` equal, nothing is said. */
  readonly calMin: number;
  /** `cal_max`: the value to show as white. */
  readonly calMax: number;
  /** `intent_code`. */
  readonly intentCode: number;
  /** `intent_name`. */
  readonly intentName: string;
  /** `intent_p1`, `intent_p2`, `intent_p3`. */
  readonly intentParams: readonly [p1: number, p2: number, p3: number];
  /** `descrip`, read as Latin-1. */
  readonly description: string;
  /** `aux_file`, read as Latin-1. */
  readonly auxFile: string;
  /** `dim_info`: frequency, phase and slice axis, two bits each. */
  readonly dimInfo: number;
  /** `slice_code`. */
  readonly sliceCode: number;
  /** `slice_start`. */
  readonly sliceStart: number;
  /** `slice_end`. */
  readonly sliceEnd: number;
  /** `slice_duration`, in `units.time`. */
  readonly sliceDuration: number;
  /**
   * The header as it is stored, 348 or 540 bytes, and the four bytes behind it where they were given: for writing it again
   * bit for bit. A copy with another field keeps it, but is not written by it.
   */
  readonly stored: Uint8Array;
  /** Whether the four bytes behind the header announce extensions; false when they were not given. */
  readonly hasExtensions: boolean;
}

/** What the caller knows about a header's source. */
export interface ParseOptions {
  /** Name of the file, for error messages. */
  readonly name?: string | undefined;
  /** Takes the place of the file's affine, which then may be unusable. */
  readonly affine?: Affine | undefined;
}

type Fail = (field: string, found: unknown, expected: string, advice?: string) => never;

/** Why `bytes` are no NIfTI header. */
function unrecognised(bytes: Uint8Array, what: string): LazyImageError {
  const wanted = hasSizeOf(bytes, 2) ? HEADER_BYTES[2] : HEADER_BYTES[1];
  if (bytes.length < wanted) {
    const found = bytes.length === 0 ? "is empty" : `ends after ${bytes.length} bytes`;
    return new LazyImageError(
      "ERR_TRUNCATED",
      `${what} ${found}; a NIfTI header has ${wanted}. The file is incomplete or not NIfTI: copy it again.`,
    );
  }
  const at = wanted === 540 ? 4 : 344;
  const magic = JSON.stringify(String.fromCharCode(...bytes.subarray(at, at + 4)));
  if (hasSizeOf(bytes, 1)) {
    return new LazyImageError(
      "ERR_HEADER",
      `${what} has magic ${magic}; expected "n+1" or "ni1". It may be ANALYZE 7.5, which says nothing about ` +
        "orientation and is not read: convert it to NIfTI first.",
    );
  }
  return new LazyImageError(
    "ERR_HEADER",
    `${what} is not NIfTI: sizeof_hdr is neither 348 nor 540, or magic ${magic} is none of "n+1", "ni1", "n+2", ` +
      `"ni2". Check that the file is what its name says.`,
  );
}

function checkedDatatype(code: number, what: string): NiftiDatatype {
  const datatype = NIFTI_DATATYPES[code];
  if (datatype === undefined) {
    const name = UNSUPPORTED_DATATYPES[code] ?? "not defined by NIfTI";
    throw new LazyImageError(
      "ERR_UNSUPPORTED_DTYPE",
      `${what} has datatype ${code} (${name}); expected one of ` +
        `${Object.entries(NIFTI_DATATYPES)
          .map(([known, { name }]) => `${known} (${name})`)
          .join(", ")}. Convert the image to one of them.`,
    );
  }
  return datatype;
}

/** One size per axis. The two special cases are how FreeSurfer fits long vectors into 16 bits. */
function checkedShape(dim: readonly number[], glmin: number, version: 1 | 2, fail: Fail): number[] {
  const rank = dim[0]!;
  if (!(rank >= 1 && rank <= 7)) fail("dim[0]", rank, "1 to 7 axes");
  const shape = dim.slice(1, rank + 1);
  const first = version === 1 ? shape.slice(0, 3).join() : "";
  if (first === "-1,1,1") {
    if (glmin < 1) fail("glmin", glmin, "the length of the first axis, because dim[1] is -1 (FreeSurfer)");
    shape[0] = glmin;
  } else if (first === "27307,1,6") {
    shape.splice(0, 3, 163842, 1, 1);
  }
  for (const [axis, size] of shape.entries()) {
    if (!(size >= 1)) fail(`dim[${axis + 1}]`, size, "1 or more");
  }
  return shape;
}

/** A fraction is dropped, as by nibabel. */
function checkedOffset(offset: number, { singleFile, version }: NiftiSignature, fail: Fail): number {
  const least = singleFile ? HEADER_BYTES[version] + 4 : 0;
  const whole = Math.trunc(offset);
  if (!(offset >= least) || !Number.isSafeInteger(whole)) {
    fail("vox_offset", offset, `${least} or more, up to 2 ** 53`);
  }
  return whole;
}

/** nibabel's `get_slope_inter()`, and undefined where nibabel's array proxy does nothing. */
function checkedScaling(slope: number, inter: number, fail: Fail): Scaling | undefined {
  if (slope === 0 || !Number.isFinite(slope)) return undefined;
  if (!Number.isFinite(inter)) {
    fail(
      "scl_inter",
      inter,
      `a finite number, because scl_slope is ${slope}`,
      "Set scl_slope to 0 or repair it.",
    );
  }
  return slope === 1 && inter === 0 ? undefined : { slope, inter };
}

/** nibabel's repairs: `pixdim[0]` other than 1 or -1 becomes 1; `pixdim[1..3]` lose their sign, and 0 becomes 1. */
function repairedPixdim(pixdim: readonly number[]): number[] {
  return pixdim.map((value, n) => {
    if (n === 0) return value === -1 ? -1 : 1;
    if (n > 3) return value;
    return value === 0 ? 1 : Math.abs(value);
  });
}

/**
 * Reads a NIfTI-1 or NIfTI-2 header, checks it and repairs what nibabel repairs.
 *
 * @param bytes the start of the `.nii` or `.hdr` file, at least 348 or 540 bytes; more is not looked at, but for the
 * four bytes that announce extensions
 * @throws LazyImageError `ERR_TRUNCATED` when `bytes` are too few; `ERR_HEADER` when they are not NIfTI or a field has
 * an impossible value; `ERR_UNSUPPORTED_DTYPE` for a `datatype` that JavaScript cannot hold
 */
export function parseNiftiHeader(bytes: Uint8Array, options: ParseOptions = {}): NiftiHeader {
  const what = options.name === undefined ? "The NIfTI header" : `NIfTI header of ${options.name}`;
  const fail: Fail = (field, found, expected, advice = "The file is damaged, or was written wrongly.") => {
    throw new LazyImageError("ERR_HEADER", `${what}: ${field} is ${found}; expected ${expected}. ${advice}`);
  };
  const signature = sniffNifti(bytes);
  if (signature === null) throw unrecognised(bytes, what);
  const { version } = signature;
  if (version === 2) {
    const eol = bytes.subarray(8, 12).join();
    if (eol !== "13,10,26,10" && eol !== "0,0,0,0") {
      fail(
        "magic[4..7]",
        eol,
        "13,10,26,10",
        "The file was damaged by a conversion of line ends: copy it as binary.",
      );
    }
  }

  const { plain, dim, voxOffset, sliceStart, sliceEnd, glmin, srow, ...text } = readFields(bytes, signature);
  const { dtype, samples } = checkedDatatype(plain.datatypeCode, what);
  const shape = checkedShape(dim, glmin, version, fail);
  const itemSize = DTYPES[dtype].itemSize * samples;
  const offset = checkedOffset(voxOffset, signature, fail);
  const voxelBytes = shape.reduce((product, size) => product * size, itemSize);
  if (!Number.isSafeInteger(offset + voxelBytes)) {
    fail("dim", shape.join(" x "), "voxels that end within 2 ** 53 bytes");
  }

  const known = (code: number) => (code >= 0 && code <= 5 ? code : 0);
  const [qformCode, sformCode] = [known(plain.qform_code), known(plain.sform_code)];
  const pixdim = repairedPixdim(plain.pixDims);
  const quaternion = [plain.quatern_b, plain.quatern_c, plain.quatern_d] as const;
  const qoffset = [plain.qoffset_x, plain.qoffset_y, plain.qoffset_z] as const;
  const qform = qformCode === 0 ? null : qformAffine({ quaternion, qoffset, pixdim }, version);
  const sform = sformCode === 0 ? null : sformAffine(srow);
  const source = sformCode !== 0 ? "sform" : qformCode !== 0 ? "qform" : "base";
  const own = source === "sform" ? sform : source === "qform" ? qform : baseAffine(dim, pixdim);
  const affine = options.affine === undefined ? own : createAffine(options.affine);
  if (affine === null) {
    const found = {
      sform: [`srow_x, srow_y, srow_z`, srow],
      qform: [
        "quatern_b, c, d, qoffset_x, y, z, pixdim[1..3]",
        [...quaternion, ...qoffset, ...pixdim.slice(1, 4)],
      ],
      base: ["pixdim[1..3]", pixdim.slice(1, 4)],
    }[source];
    fail(
      String(found[0]),
      `[${found[1]}]`,
      source === "qform" ? "finite numbers, b, c, d of a unit quaternion" : "finite numbers",
      "Give an affine yourself to open the image without this one.",
    );
  }

  const { xyzt_units: xyztUnits } = plain;
  return {
    ...signature,
    headerBytes: HEADER_BYTES[version],
    dim,
    shape,
    datatypeCode: plain.datatypeCode,
    bitpix: 8 * itemSize,
    dtype,
    samples,
    voxOffset: offset,
    voxelBytes,
    scaling: samples === 1 ? checkedScaling(plain.scl_slope, plain.scl_inter, fail) : undefined,
    sclSlope: plain.scl_slope,
    sclInter: plain.scl_inter,
    affine,
    affineSource: options.affine === undefined ? source : "override",
    qformCode,
    sformCode,
    qformAffine: qform,
    sformAffine: sform,
    quaternion,
    qoffset,
    pixdim,
    zooms: pixdim.slice(1, dim[0]! + 1),
    units: unitsOf(xyztUnits),
    xyztUnits,
    repetitionTime: pixdim[4]!,
    toffset: plain.toffset,
    calMin: plain.cal_min,
    calMax: plain.cal_max,
    intentCode: plain.intent_code,
    intentParams: [plain.intent_p1, plain.intent_p2, plain.intent_p3],
    dimInfo: plain.dim_info,
    sliceCode: plain.slice_code,
    sliceStart,
    sliceEnd,
    sliceDuration: plain.slice_duration,
    stored: bytes.slice(0, HEADER_BYTES[version] + 4),
    hasExtensions: bytes.length >= HEADER_BYTES[version] + 4 && bytes[HEADER_BYTES[version]] !== 0,
    ...text,
  };
}
