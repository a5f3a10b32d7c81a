import type { Affine } from "@lazyimg/core";
import {
  add,
  divide,
  type Extended,
  extended,
  multiply,
  squareRoot,
  subtract,
  toNumber,
} from "./extended.js";

/** The last row of every affine. */
const LAST_ROW = [0, 0, 0, 1] as const;

/** The affine, frozen, or null when a number in it is not finite. */
function finite(rows: readonly number[]): Affine | null {
  return rows.every(Number.isFinite) ? Object.freeze([...rows, ...LAST_ROW]) : null;
}

/** The sform: `srow_x`, `srow_y`, `srow_z` as they are. Null when a number is not finite. */
export function sformAffine(srow: readonly number[]): Affine | null {
  return finite(srow);
}

/** The qform's fields. */
export interface QuaternionFields {
  /** `quatern_b`, `quatern_c`, `quatern_d`. */
  readonly quaternion: readonly [b: number, c: number, d: number];
  /** `qoffset_x`, `qoffset_y`, `qoffset_z`. */
  readonly qoffset: readonly [x: number, y: number, z: number];
  /** All of `pixdim`, repaired: `pixdim[0]` is 1 or -1. */
  readonly pixdim: readonly number[];
}

/**
 * The rotation of a quaternion (w, x, y, z), of which the file has x, y and z. Null when they are too long for a unit
 * quaternion. Every step is nibabel's (`fillpositive`, `quat2mat`), in the same order and precision.
 */
function rotation(x: Extended, y: Extended, z: Extended, threshold: number): Extended[] | null {
  const ONE = extended(1);
  const lengths = add(add(multiply(x, x), multiply(y, y)), multiply(z, z));
  const ww = subtract(ONE, lengths);
  const near = Math.abs(toNumber(ww)) < threshold;
  if (!near && ww.significand < 0n) return null;
  const w = near ? extended(0) : squareRoot(ww);
  const norm = add(add(add(multiply(w, w), multiply(x, x)), multiply(y, y)), multiply(z, z));
  const s = divide(extended(2), norm);
  const [X, Y, Z] = [multiply(x, s), multiply(y, s), multiply(z, s)];
  const [wX, wY, wZ] = [multiply(w, X), multiply(w, Y), multiply(w, Z)];
  const [xX, xY, xZ] = [multiply(x, X), multiply(x, Y), multiply(x, Z)];
  const [yY, yZ, zZ] = [multiply(y, Y), multiply(y, Z), multiply(z, Z)];
  return [
    subtract(ONE, add(yY, zZ)),
    subtract(xY, wZ),
    add(xZ, wY),
    add(xY, wZ),
    subtract(ONE, add(xX, zZ)),
    subtract(yZ, wX),
    subtract(xZ, wY),
    add(yZ, wX),
    subtract(ONE, add(xX, yY)),
  ];
}

/**
 * The qform: rotation by the quaternion, times `pixdim[1..3]` (the third with the sign of `pixdim[0]`), plus
 * `qoffset_*`. Null when it has none: a number is not finite, or the quaternion is longer than 1.
 */
export function qformAffine(
  { quaternion, qoffset, pixdim }: QuaternionFields,
  version: 1 | 2,
): Affine | null {
  if (![...quaternion, ...qoffset, ...pixdim.slice(0, 4)].every(Number.isFinite)) return null;
  const [x, y, z] = quaternion;
  // How far the length may be off 1: three times the resolution of what is stored, float32 or float64.
  const threshold = 3 * 2 ** (version === 1 ? -23 : -52);
  const matrix = rotation(extended(x), extended(y), extended(z), threshold);
  if (matrix === null) return null;
  const scales = [pixdim[1]!, pixdim[2]!, pixdim[3]! * pixdim[0]!].map(extended);
  const rows = [0, 1, 2].flatMap((row) => [
    ...scales.map((scale, column) => toNumber(multiply(matrix[3 * row + column]!, scale))),
    qoffset[row]!,
  ]);
  return finite(rows);
}

/**
 * What is left without sform and qform: voxels of `pixdim`, the origin in the centre of the image, and x flipped, as
 * ANALYZE files are radiological. Null when a number is not finite.
 *
 * @param dim `dim`, as stored
 * @param pixdim `pixdim`, repaired
 */
export function baseAffine(dim: readonly number[], pixdim: readonly number[]): Affine | null {
  const rows = [0, 1, 2].flatMap((axis) => {
    const exists = axis < dim[0]!;
    const zoom = (exists ? pixdim[axis + 1]! : 1) * (axis === 0 ? -1 : 1);
    const origin = ((exists ? dim[axis + 1]! : 1) - 1) / 2;
    const row = [0, 0, 0, -origin * zoom];
    row[axis] = zoom;
    return row;
  });
  return finite(rows);
}
