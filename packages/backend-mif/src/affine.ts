import type { Affine } from "@lazyimg/core";

/**
 * Voxel to world, RAS millimetres: `transform` after `vox`. Voxel (0, 0, 0) is the first of the header's axes, wherever
 * it lies on disk.
 *
 * As in MRtrix, an unknown voxel size is the mean of the known ones, or 1; without a finite transform, axes are not
 * rotated and the middle of the image is the world's origin.
 */
export function affineOf({
  dim,
  vox,
  transform,
}: {
  readonly dim: readonly number[];
  readonly vox: readonly number[];
  readonly transform: readonly (readonly number[])[] | undefined;
}): { affine: Affine; affineSource: "transform" | "base" } {
  const axes = [0, 1, 2];
  const known = vox.slice(0, Math.min(3, dim.length)).filter(Number.isFinite);
  const mean = known.length > 0 ? known.reduce((sum, size) => sum + size, 0) / known.length : 1;
  const spacing = axes.map((axis) => (axis < dim.length && Number.isFinite(vox[axis]) ? vox[axis]! : mean));
  const stated = transform?.flat().every(Number.isFinite) ? transform : undefined;
  const rows = axes.map((row) =>
    stated
      ? [...axes.map((axis) => stated[row]![axis]! * spacing[axis]!), stated[row]![3]!]
      : [
          ...axes.map((axis) => (axis === row ? spacing[row]! : 0)),
          -(((dim[row] ?? 1) - 1) / 2) * spacing[row]!,
        ],
  );
  return { affine: [...rows.flat(), 0, 0, 0, 1], affineSource: stated ? "transform" : "base" };
}
