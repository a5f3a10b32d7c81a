import { invalid } from "./errors.js";
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
    typeof row === "number" ? row : Array.from(row ?? []),
  );
  const flat = rows.flat();
  const shaped = rows.every((row) => (typeof row === "number" ? 16 : 4 * row.length) === flat.length);
  if (!shaped || flat.length !== 16 || !flat.every(Number.isFinite) || flat.slice(12).join() !== "0,0,0,1") {
    throw invalid(
      `An affine is 16 finite numbers, or four rows of four, the last 0, 0, 0, 1; got ${flat.length}: [${flat.slice(0, 16).join(", ")}].`,
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
  const entry = (row: number, column: number) =>
    [0, 4, 8, 12].reduce((sum, n) => sum + a[row + n / 4]! * b[column + n]!, 0);
  return Object.freeze(a.map((_, n) => entry(n - (n % 4), n % 4)));
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
  const column = (n: number): Vector3 => [affine[n]!, affine[n + 4]!, affine[n + 8]!];
  const [i, j, k, origin] = [column(0), column(1), column(2), column(3)];
  const cross = (a: Vector3, b: Vector3): Vector3 => [
    a[1] * b[2] - a[2] * b[1],
    a[2] * b[0] - a[0] * b[2],
    a[0] * b[1] - a[1] * b[0],
  ];
  const dot = (a: Vector3, b: Vector3) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const volume = dot(i, cross(j, k));
  if (!(Math.abs(volume) > 0)) {
    throw invalid(
      `Affine [${affine.join(", ")}] has no inverse; its axes are not independent.`,
    );
  }
  const row = (a: Vector3, b: Vector3) => {
    const [x, y, z] = cross(a, b);
    const axis: Vector3 = [x / volume, y / volume, z / volume];
    return [...axis, -dot(axis, origin)];
  };
  return Object.freeze([...row(j, k), ...row(k, i), ...row(i, j), 0, 0, 0, 1]);
}

/** The affine of a region: its first voxel is the new origin, and a step scales (a negative one flips) its column. */
export function cropAffine(affine: Affine, [, i, j, k]: Range4D): Affine {
  const region = [i.step, 0, 0, i.start, 0, j.step, 0, j.start, 0, 0, k.step, k.start, 0, 0, 0, 1];
  return multiplyAffines(affine, region);
}

/** Distance between neighbouring voxels along I, J, K, in millimetres: the lengths of the affine's columns. */
export function spacingOf(affine: Affine): [number, number, number] {
  const length = (n: number) => Math.sqrt(affine[n]! ** 2 + affine[n + 4]! ** 2 + affine[n + 8]! ** 2);
  return [length(0), length(1), length(2)];
}
