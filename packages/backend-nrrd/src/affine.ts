import { type Affine, type AffineSource, createAffine, LazyImageError } from "@lazyimg/core";
import { type NrrdFields, quoted } from "./fields.js";
import { directionsOf, LPS, type NrrdSpace, spaceOf, vectorOf } from "./space.js";

type Vector = readonly number[];

/** The unit vector along an axis of the world. */
const unit = (axis: number): Vector => [0, 1, 2].map((row) => Number(row === axis));

/** A vector of some world in RAS+; adding 0 leaves no negative zero. */
const turn = (vector: Vector, signs: NrrdSpace["signs"]): Vector =>
  signs.map((sign, row) => sign * (vector[row] ?? 0) + 0);

/**
 * Voxel to RAS+: from `space directions` and `space origin`; without directions, the axes are those of LPS+, as ITK has
 * it, with `spacings` and `axis mins`.
 *
 * @param spatial the axes on disk that are I, J, K
 * @throws LazyImageError `ERR_HEADER` for what are not finite numbers, or not as many as they should be;
 * `ERR_UNSUPPORTED` for fewer axes than the space has, a plane in three dimensions aside
 */
export function geometryOf(
  header: NrrdFields,
  spatial: readonly number[],
  sizes: readonly number[],
  what: string,
): { readonly affine: Affine; readonly affineSource: AffineSource } {
  const space = spaceOf(header, what);
  const directions = directionsOf(header, sizes.length, what);
  const stated = header.fields["space origin"];
  const grid = gridOf(header, spatial, sizes, what);
  let origin = turn(grid.origin, LPS);
  if (space !== null) {
    origin =
      stated === undefined ? [0, 0, 0] : turn(vectorOf(stated, "space origin", space, what), space.signs);
  }
  let columns: readonly Vector[];
  if (space === null || directions === null) {
    columns = [0, 1, 2].map((axis) =>
      turn(unit(axis), LPS).map((one) => one * (grid.spacing[axis] ?? 1) + 0),
    );
  } else {
    const steps = spatial.map((axis) => directions[axis]!.slice(0, 3));
    columns = complete(steps, space, what).map((step) => turn(step, space.signs));
  }
  const rows = [0, 1, 2].map((row) => [...columns.map((column) => column[row]!), origin[row]!]);
  if (!rows.flat().every(Number.isFinite)) {
    throw new LazyImageError(
      "ERR_HEADER",
      `${what} has axes along ${columns.map((column) => `(${column})`)} from (${origin}), which is beyond all numbers; give \`affine\`.`,
    );
  }
  return {
    affine: createAffine([...rows, [0, 0, 0, 1]]),
    affineSource: directions === null ? "base" : "space",
  };
}

/** Three steps, where a plane or a line has fewer: what the file has no axis for is one voxel, of 1 mm. */
function complete(steps: readonly Vector[], { dimension }: NrrdSpace, what: string): readonly Vector[] {
  if (steps.length === Math.min(dimension, 3)) return [0, 1, 2].map((axis) => steps[axis] ?? unit(axis));
  const [a, b] = steps;
  if (a === undefined || b === undefined || steps.length !== 2) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `${what} has ${steps.length} axes in a space of dimension ${dimension}; all of them, or a plane in three, are read.`,
    );
  }
  const cross = [0, 1, 2].map(
    (row) => a[(row + 1) % 3]! * b[(row + 2) % 3]! - a[(row + 2) % 3]! * b[(row + 1) % 3]!,
  );
  const length = Math.hypot(...cross) || 1;
  return [a, b, cross.map((part) => part / length)];
}

/**
 * Spacing and origin of axes without directions. Spacing may follow from mins and maxs; samples are in the middle of their
 * cells unless the file says that they are at nodes.
 */
function gridOf(
  { fields }: NrrdFields,
  spatial: readonly number[],
  sizes: readonly number[],
  what: string,
): { readonly spacing: Vector; readonly origin: Vector } {
  const numbers = (field: string): readonly number[] => {
    const parts = fields[field]?.split(/\s+/) ?? [];
    const values = parts.map((part) => (/^[+-]?nan$/i.test(part) ? Number.NaN : Number(part)));
    const wrong = values.some(
      (value, n) => Number.isNaN(value) !== /nan/i.test(parts[n]!) || (value === 0 && field === "spacings"),
    );
    if (!wrong && (parts.length === 0 || parts.length === sizes.length)) return values;
    throw new LazyImageError(
      "ERR_HEADER",
      `${what} has ${quoted(fields[field]!)} in "${field}"; expected ${sizes.length} numbers.`,
    );
  };
  const [spacings, mins, maxs] = ["spacings", "axis mins", "axis maxs"].map(numbers) as [
    Vector,
    Vector,
    Vector,
  ];
  const centers = fields.centers?.toLowerCase().split(/\s+/);
  const spacing: number[] = [];
  const origin: number[] = [];
  for (const axis of spatial) {
    const isNode = centers?.[axis] === "node";
    const min = mins[axis] ?? Number.NaN;
    const between = ((maxs[axis] ?? Number.NaN) - min) / (sizes[axis]! - Number(isNode));
    const step = [spacings[axis], between].find((value) => value !== undefined && Number.isFinite(value));
    spacing.push(step ?? 1);
    origin.push(step === undefined || !Number.isFinite(min) ? 0 : min + (isNode ? 0 : step / 2));
  }
  return { spacing, origin };
}
