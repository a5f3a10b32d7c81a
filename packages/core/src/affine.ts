import { invalid } from "./errors.js";

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
  if (
    !rows.every(({ length }) => length * rows.length === 16 && length < 5) ||
    !flat.every(Number.isFinite) ||
    flat.slice(12).join() !== "0,0,0,1"
  ) {
    throw invalid(
      `An affine is 16 numbers, or four rows of four, finite, ending in 0, 0, 0, 1; got ${rows.length} parts, (${flat}).`,
    );
  }
  return Object.freeze(flat);
}

/** Whether all 16 numbers are equal. */
export function affinesEqual(a: Affine, b: Affine): boolean {
  return a.join() === b.join();
}

/** The matrix product `a * b`. */
export function multiplyAffines(a: Affine, b: Affine): Affine {
  const entry = (row: number, column: number) =>
    [0, 4, 8, 12].reduce((sum, n) => sum + a[row + n / 4]! * b[column + n]!, 0);
  return Object.freeze(a.map((_, n) => entry(n - (n % 4), n % 4)));
}

/**
 * The inverse: world to voxel.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` when the affine is singular (two axes parallel, or one of length 0).
 */
export function invertAffine(affine: Affine): Affine {
  const at = (row: number, column: number) => affine[4 * (row % 3) + (column % 3)]!;
  const cofactor = (row: number, column: number) =>
    at(row + 1, column + 1) * at(row + 2, column + 2) - at(row + 1, column + 2) * at(row + 2, column + 1);
  const volume = at(0, 0) * cofactor(0, 0) + at(0, 1) * cofactor(0, 1) + at(0, 2) * cofactor(0, 2);
  if (!(Math.abs(volume) > 0)) {
    throw invalid(`Affine (${affine}) has no inverse; its axes must be independent.`);
  }
  const linear = IDENTITY.map((one, n) => (n < 12 && n % 4 < 3 ? cofactor(n % 4, n >> 2) / volume : one));
  const shift = IDENTITY.map((one, n) => (n < 12 && n % 4 === 3 ? -affine[n]! : one));
  return multiplyAffines(linear, shift);
}

/** Distance between neighbouring voxels along I, J, K, in millimetres: the lengths of the affine's columns. */
export function spacingOf(affine: Affine): [number, number, number] {
  const length = (n: number) => Math.sqrt(affine[n]! ** 2 + affine[n + 4]! ** 2 + affine[n + 8]! ** 2);
  return [0, 1, 2].map(length) as [number, number, number];
}
