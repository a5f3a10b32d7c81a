import { type Affine, createAffine, type DType, LazyImageError, type Vector3 } from "@lazyimg/core";

/** Bytes before the voxels; the last 194 of them are unused. */
export const MGH_HEADER_BYTES = 284;

/** Bytes behind the voxels that hold what the scanner did; files that end before have none. */
export const MGH_FOOTER_BYTES = 20;

/** MRI_UCHAR, MRI_INT, MRI_FLOAT, MRI_SHORT and MRI_USHRT of FreeSurfer's `mri.h`. */
const DTYPES: Readonly<Record<number, DType>> = {
  0: "uint8",
  1: "int32",
  3: "float32",
  4: "int16",
  10: "uint16",
};

/** The fields of an MGH header, which is big-endian always. */
export interface MghHeader {
  readonly version: number;
  /** Width, height, depth and frames. */
  readonly dims: readonly [width: number, height: number, depth: number, frames: number];
  /** Code of the data type. */
  readonly type: number;
  readonly dtype: DType;
  /** Degrees of freedom. */
  readonly dof: number;
  /** Whether the file says where it lies; otherwise the three below are the format's defaults. */
  readonly goodRASFlag: boolean;
  /** Distance between neighbouring voxels, in millimetres. */
  readonly delta: Vector3;
  /** Directions of the three voxel axes in RAS+. */
  readonly directions: readonly [Vector3, Vector3, Vector3];
  /** RAS+ position of the volume's centre, the voxel `dims / 2`. */
  readonly center: Vector3;
  /** Voxel to RAS+, from the fields above. */
  readonly affine: Affine;
}

/** What the scanner did, from behind the voxels. */
export interface MghFooter {
  /** Milliseconds. */
  readonly tr: number;
  /** Radians. */
  readonly flipAngle: number;
  /** Milliseconds. */
  readonly te: number;
  /** Milliseconds. */
  readonly ti: number;
  readonly fov: number;
}

/**
 * Parses an MGH header.
 *
 * @param bytes the file's first 284 bytes, or all there are
 * @param given the caller's affine, with which a broken one in the file does no harm
 * @throws LazyImageError `ERR_HEADER` for another version, sizes below 1, or an affine that is not finite;
 * `ERR_TRUNCATED` for fewer bytes; `ERR_UNSUPPORTED_DTYPE`
 */
export function parseMghHeader(bytes: Uint8Array, what: string, given?: Affine): MghHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes.length < 4 ? undefined : view.getInt32(0);
  if (version !== 1) {
    throw new LazyImageError(
      "ERR_HEADER",
      `${what} begins with version ${version ?? "nothing"}, not MGH's version 1; it is another format or damaged.`,
    );
  }
  if (bytes.length < MGH_HEADER_BYTES) {
    throw new LazyImageError(
      "ERR_TRUNCATED",
      `${what} has ${bytes.length} bytes of an MGH header's ${MGH_HEADER_BYTES}; it was cut short.`,
    );
  }
  const int = (at: number) => view.getInt32(at);
  const vector = (at: number): Vector3 => [
    view.getFloat32(at),
    view.getFloat32(at + 4),
    view.getFloat32(at + 8),
  ];
  const dims = [int(4), int(8), int(12), int(16)] as const;
  if (dims.some((size) => size < 1)) {
    throw new LazyImageError("ERR_HEADER", `${what} states sizes (${dims}); each must be 1 or more.`);
  }
  const type = int(20);
  const dtype = DTYPES[type];
  if (dtype === undefined) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED_DTYPE",
      `${what} has voxels of type ${type}; those that are read are ${Object.entries(DTYPES).map(([code, name]) => `${code} (${name})`)}.`,
    );
  }
  const goodRASFlag = view.getInt16(28) !== 0;
  const geometry: Geometry = goodRASFlag
    ? { delta: vector(30), directions: [vector(42), vector(54), vector(66)], center: vector(78) }
    : CORONAL;
  return {
    version,
    dims,
    type,
    dtype,
    dof: int(24),
    goodRASFlag,
    ...geometry,
    affine: given ?? affineOf(geometry, dims, what),
  };
}

type Geometry = Pick<MghHeader, "delta" | "directions" | "center">;

/** What FreeSurfer takes where a file does not say: its own orientation, 1 mm, in the middle. */
const CORONAL: Geometry = {
  delta: [1, 1, 1],
  directions: [
    [-1, 0, 0],
    [0, 0, -1],
    [0, 1, 0],
  ],
  center: [0, 0, 0],
};

/** As nibabel: what comes out is in float32, as is all that goes in; sums in between are in float64. */
function affineOf({ delta, directions, center }: Geometry, dims: MghHeader["dims"], what: string): Affine {
  const rows = [0, 1, 2].map((row) => {
    const [x, y, z] = directions.map((direction, axis) => Math.fround(direction[row]! * delta[axis]!));
    const middle = (x! * dims[0] + y! * dims[1] + z! * dims[2]) / 2;
    return [x!, y!, z!, Math.fround(center[row]! - middle)];
  });
  if (!rows.flat().every(Number.isFinite)) {
    throw new LazyImageError(
      "ERR_HEADER",
      `${what} states voxels of (${delta}) along (${directions}) around (${center}), which is not finite; give \`affine\`.`,
    );
  }
  return createAffine([...rows, [0, 0, 0, 1]]);
}

/** Parses what lies behind the voxels; `null` where that is cut short. */
export function parseMghFooter(bytes: Uint8Array): MghFooter | null {
  if (bytes.length < MGH_FOOTER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [tr, flipAngle, te, ti, fov] = [0, 4, 8, 12, 16].map((at) => view.getFloat32(at));
  return { tr: tr!, flipAngle: flipAngle!, te: te!, ti: ti!, fov: fov! };
}
