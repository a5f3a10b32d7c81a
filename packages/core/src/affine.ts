import { LazyImageError } from "./errors.js";
import type { Range4D } from "./indexing.js";

/** 4 x 4 voxel-to-world matrix, millimetres, RAS+, row-major, 16 numbers, frozen. */
export type Affine = readonly number[];

/** A point or a vector: voxel indices (i, j, k), or world millimetres (x, y, z). */
export type Vector3 = readonly [x: number, y: number, z: number];

/** The affine of an image that has none: one millimetre a voxel, voxel (0, 0, 0) at the origin. */
export const IDENTITY: Affine = /* @__PURE__ */ Object.freeze([
  1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1,
]);

/**
 * A checked, frozen affine from 16 numbers or four rows of four.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` for another shape, a number that is not finite, or a last row other
 * than 0, 0, 0, 1.
 */
export function createAffine(values: ArrayLike<number> | ArrayLike<ArrayLike<number>>): Affine {
  const rows = Array.from((values ?? []) as ArrayLike<number | ArrayLike<number>>, (row) =>
    typeof row === "number" ? [row] : Array.from(row ?? []),
  );
  const flat = rows.flat();
  if (![4, 16].includes(rows.length) || !rows.every(({ length }) => length * rows.length === 16)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `An affine is 16 numbers, or four rows of four; got ${flat.length} numbers in ${rows.length} parts.`,
    );
  }
  if (!flat.every(Number.isFinite) || flat[12] !== 0 || flat[13] !== 0 || flat[14] !== 0 || flat[15] !== 1) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `An affine has finite numbers and ends with the row 0, 0, 0, 1; got [${flat.join(", ")}].`,
    );
  }
  return Object.freeze(flat);
}

/** Whether all 16 numbers are equal. */
export function affinesEqual(a: Affine, b: Affine): boolean {
  return a.length === b.length && a.every((value, n) => value === b[n]);
}

/** The matrix product `a * b`. */
export function multiplyAffines(a: Affine, b: Affine): Affine {
  const result: number[] = [];
  for (let row = 0; row < 16; row += 4) {
    for (let column = 0; column < 4; column++) {
      let sum = 0;
      for (let n = 0; n < 4; n++) sum += a[row + n]! * b[4 * n + column]!;
      result.push(sum);
    }
  }
  return Object.freeze(result);
}

/** The world position of a voxel (fractional ones too): `affine * [i, j, k, 1]`. */
export function applyAffine(affine: Affine, [i, j, k]: Vector3): [number, number, number] {
  const row = (n: number) => affine[n]! * i + affine[n + 1]! * j + affine[n + 2]! * k + affine[n + 3]!;
  return [row(0), row(4), row(8)];
}

/**
 * The inverse: world to voxel.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` when the affine is singular (two axes parallel, or one of length 0).
 */
export function invertAffine(affine: Affine): Affine {
  const [a, b, c, x, d, e, f, y, g, h, i, z] = affine as number[] as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [A, B, C] = [e * i - f * h, f * g - d * i, d * h - e * g];
  const det = a * A + b * B + c * C;
  if (!(Math.abs(det) > 0)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `Affine [${affine.join(", ")}] has no inverse; its axes are not independent.`,
    );
  }
  const r = [
    A,
    c * h - b * i,
    b * f - c * e,
    B,
    a * i - c * g,
    c * d - a * f,
    C,
    b * g - a * h,
    a * e - b * d,
  ].map((value) => value / det);
  const shift = (n: number) => -(r[n]! * x + r[n + 1]! * y + r[n + 2]! * z);
  return Object.freeze([
    ...r.slice(0, 3),
    shift(0),
    ...r.slice(3, 6),
    shift(3),
    ...r.slice(6, 9),
    shift(6),
    0,
    0,
    0,
    1,
  ]);
}

/** The affine of a region: its first voxel is the new origin, and a step scales (a negative one flips) its column. */
export function cropAffine(affine: Affine, range: Range4D): Affine {
  const [, i, j, k] = range;
  return multiplyAffines(affine, [
    i.step,
    0,
    0,
    i.start,
    0,
    j.step,
    0,
    j.start,
    0,
    0,
    k.step,
    k.start,
    0,
    0,
    0,
    1,
  ]);
}

/** Distance between neighbouring voxels along I, J, K, in millimetres: the lengths of the affine's columns. */
export function spacingOf(affine: Affine): [number, number, number] {
  const length = (n: number) => Math.sqrt(affine[n]! ** 2 + affine[n + 4]! ** 2 + affine[n + 8]! ** 2);
  return [length(0), length(1), length(2)];
}
