import {
  type Affine,
  createAffine,
  invertAffine,
  isLazyImageError,
  LazyImageError,
  multiplyAffines,
} from "@lazyimg/core";
import type { AxisMatrix, Multiscales } from "./ome.js";

/**
 * Voxel (i, j, k) to physical (x, y, z) in millimetres, as OME metadata say.
 *
 * @throws LazyImageError `ERR_CORRUPT` when the result is no affine
 */
export function omeAffine(matrix: AxisMatrix, { axes, rank, units }: Multiscales): Affine {
  const spatial = [axes.i, axes.j, axes.k];
  const rows = spatial.map((row, n) => {
    if (row === undefined) return [0, 0, 0, 0].map((_, column) => (column === n ? 1 : 0));
    const factor = units[row]!;
    const columns = spatial.map((column, m) =>
      column === undefined ? Number(m === n) : matrix[row]![column]!,
    );
    return [...columns, matrix[row]![rank]!].map((value) => value * factor);
  });
  try {
    return createAffine([...rows.flat(), 0, 0, 0, 1]);
  } catch (cause) {
    throw new LazyImageError(
      "ERR_CORRUPT",
      `The OME transformations make no affine: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function isDiagonal(affine: Affine): boolean {
  return [1, 2, 4, 6, 8, 9].every((n) => affine[n] === 0);
}

/**
 * The affine of a coarser level, `finest * inverse(P0) * P`, P being each level's OME affine (NIfTI-Zarr, "pyramid").
 * Where both are scale and translation only, nothing is rounded that need not be.
 *
 * @throws LazyImageError `ERR_CORRUPT` when the finest level's transformation has no inverse
 */
export function levelAffine(finest: Affine, base: Affine, level: Affine): Affine {
  let relative: Affine;
  if (isDiagonal(base) && isDiagonal(level)) {
    const ratio = [0, 5, 10].map((n) => level[n]! / base[n]!);
    const shift = [3, 7, 11].map((n, axis) => (level[n]! - base[n]!) / base[5 * axis]!);
    if (![...ratio, ...shift].every(Number.isFinite)) throw singular();
    const [x, y, z] = ratio as [number, number, number];
    const [u, v, w] = shift as [number, number, number];
    relative = [x, 0, 0, u, 0, y, 0, v, 0, 0, z, w, 0, 0, 0, 1];
  } else {
    try {
      relative = multiplyAffines(invertAffine(base), level);
    } catch (error) {
      throw isLazyImageError(error) ? singular() : error;
    }
  }
  return multiplyAffines(finest, relative);
}

const singular = (): LazyImageError =>
  new LazyImageError(
    "ERR_CORRUPT",
    "The OME scale of the finest level has a zero, so coarser levels have no place",
  );
