import { type Affine, createAffine } from "@lazyimg/core";

/** Where ITK says that an image lies. */
export interface ItkGeometry {
  /** Voxels along each axis. */
  readonly size: readonly number[];
  /** Position of the first voxel, LPS millimetres. */
  readonly origin: readonly number[];
  /** Millimetres between voxels along each axis. */
  readonly spacing: readonly number[];
  /** Directions of the axes in LPS, as columns of a row-major matrix. */
  readonly direction: ArrayLike<number>;
}

/** Voxel to world, RAS+: ITK's LPS with x and y turned. What a flat image does not say is the identity's. */
export function affineOf({ size, origin, spacing, direction }: ItkGeometry): Affine {
  const dimension = size.length;
  const axes = [0, 1, 2];
  const rows = axes.map((row) => {
    const sign = row < 2 ? -1 : 1;
    const columns = axes.map((axis) => {
      if (row >= dimension || axis >= dimension) return row === axis ? 1 : 0;
      return direction[row * dimension + axis]! * spacing[axis]!;
    });
    return [...columns, origin[row] ?? 0].map((value) => sign * value + 0);
  });
  return createAffine([...rows, [0, 0, 0, 1]]);
}
