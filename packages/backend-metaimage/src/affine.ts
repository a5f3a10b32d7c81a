import { type Affine, type AffineSource, createAffine, LazyImageError } from "@lazyimg/core";
import { numbers, type Tags } from "./tags.js";

/** By what x, y and z of LPS+, which MetaImage is in, are multiplied to be RAS+. */
const SIGNS = [-1, -1, 1] as const;

/** The names of the same thing; ITK looks for them in this order. */
const MATRIX = ["TransformMatrix", "Rotation", "Orientation"];
const ORIGIN = ["Origin", "Position", "Offset"];
const SPACING = ["ElementSpacing", "ElementSize"];

/**
 * Voxel to RAS+. A row of the matrix in the file is the direction of one axis; the origin is the position of the first
 * voxel. AnatomicalOrientation and CenterOfRotation say nothing about where voxels lie.
 *
 * @throws LazyImageError `ERR_HEADER` for what are not finite numbers, as many as there should be, or a spacing of 0;
 * `ERR_UNSUPPORTED` for axes that go through space and time
 */
export function affineOf(
  tags: Tags,
  axes: number,
  what: string,
): { readonly affine: Affine; readonly affineSource: AffineSource } {
  const matrix = numbers(tags, MATRIX, axes * axes, what);
  const origin = numbers(tags, ORIGIN, axes, what);
  const spacing = numbers(tags, SPACING, axes, what);
  if (spacing?.includes(0)) {
    throw new LazyImageError("ERR_HEADER", `${what} has a spacing of (${spacing}); none may be 0.`);
  }
  // What the file has no axis for is one voxel, of 1 mm.
  const step = (axis: number, row: number): number => {
    const inFile = matrix !== null && axis < axes && row < axes;
    return (spacing?.[axis] ?? 1) * (inFile ? matrix[axis * axes + row]! : Number(axis === row));
  };
  if ([0, 1, 2].some((axis) => step(axis, 3) !== 0 || step(3, axis) !== 0)) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `${what} has axes that go through space and time (${matrix}); either is read.`,
    );
  }
  // Adding 0 leaves no negative zero.
  const rows = SIGNS.map((sign, row) =>
    [step(0, row), step(1, row), step(2, row), origin?.[row] ?? 0].map((value) => sign * value + 0),
  );
  if (!rows.flat().every(Number.isFinite)) {
    throw new LazyImageError(
      "ERR_HEADER",
      `${what} has voxels of (${spacing}) along (${matrix}), which is beyond all numbers; give \`affine\`.`,
    );
  }
  return {
    affine: createAffine([...rows, [0, 0, 0, 1]]),
    affineSource: (matrix ?? origin ?? spacing) === null ? "base" : "transform",
  };
}
