import {
  type Affine,
  type AxisRange,
  invertAffine,
  LazyImageError,
  mapAxes,
  type Range4D,
  type Shape4D,
  spacingOf,
} from "@lazyimg/core";
import type { AxisOrder } from "./view.js";

/** World axes by letter: which of x, y, z, and toward which end. */
const LETTERS: Readonly<Record<string, readonly [axis: number, sign: 1 | -1]>> = {
  R: [0, 1],
  L: [0, -1],
  A: [1, 1],
  P: [1, -1],
  S: [2, 1],
  I: [2, -1],
};

function parse(codes: string): (readonly [axis: number, sign: 1 | -1])[] {
  const axes = [...codes.toUpperCase()].map((letter) => LETTERS[letter]);
  if (axes.length !== 3 || new Set(axes.map((entry) => entry?.[0])).size !== 3 || axes.includes(undefined)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `Orientation "${codes}" is not one of the 48; give three letters, one each of R or L, A or P, S or I, such as "RAS".`,
    );
  }
  return axes as (readonly [number, 1 | -1])[];
}

/**
 * How to look at an image of orientation `from` so that its axes run as in `to`: the order of axes, and the range (whole
 * axes, flipped where needed) before they are permuted.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` when `to` is none of the 48 orientations
 */
export function reorientation(from: string, to: string, shape: Shape4D): { range: Range4D; axes: AxisOrder } {
  const source = parse(from);
  const range = mapAxes(shape, (size): AxisRange => ({ start: 0, step: 1, size }));
  const axes: [number, number, number, number] = [0, 1, 2, 3];
  for (const [n, [world, sign]] of parse(to).entries()) {
    const axis = source.findIndex(([other]) => other === world);
    const size = shape[axis + 1]!;
    if (source[axis]![1] !== sign && size > 0) range[axis + 1] = { start: size - 1, step: -1, size };
    axes[n + 1] = axis + 1;
  }
  return { range, axes };
}

/**
 * The rotation, reflected perhaps, nearest to the affine's axes: the orthogonal factor of its polar decomposition, nine
 * numbers, row-major. Newton's iteration, which converges quadratically.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` when the affine is singular
 */
function nearestRotation(affine: Affine): readonly number[] {
  const spacing = spacingOf(affine);
  const row = (r: readonly number[], n: number) => [r[n]!, r[n + 1]!, r[n + 2]!, 0];
  let current = [...row(affine, 0), ...row(affine, 4), ...row(affine, 8), 0, 0, 0, 1];
  // Columns of length one are close to the answer already, whatever the spacing.
  current = current.map((value, n) => (n < 12 && n % 4 < 3 ? value / spacing[n % 4]! : value));
  for (let round = 0, change = 1; round < 100 && change > 1e-15; round++) {
    const inverse = invertAffine(current);
    const next = current.map((value, n) =>
      n < 12 && n % 4 < 3 ? (value + inverse[4 * (n % 4) + (n >> 2)]!) / 2 : value,
    );
    change = Math.max(...next.map((value, n) => Math.abs(value - current[n]!)));
    current = next;
  }
  return [...current.slice(0, 3), ...current.slice(4, 7), ...current.slice(8, 11)];
}

/**
 * The direction in which voxel indices grow along I, J, K, as three of R, L, A, P, S, I: "RAS" means toward the right,
 * the front and the top. An oblique axis counts for the world axis it is nearest to, as nibabel's `aff2axcodes`.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` when the affine is singular
 */
export function orientationOf(affine: Affine): string {
  const rotation = nearestRotation(affine);
  const along = (axis: number, world: number) => Math.abs(rotation[3 * world + axis]!);
  const strength = (axis: number) => Math.max(along(axis, 0), along(axis, 1), along(axis, 2));
  const free = [0, 1, 2];
  const codes: string[] = [];
  // The axis that is closest to a world axis chooses first.
  for (const axis of [0, 1, 2].sort((a, b) => strength(b) - strength(a))) {
    const world = free.reduce((best, other) => (along(axis, other) > along(axis, best) ? other : best));
    free.splice(free.indexOf(world), 1);
    codes[axis] = (rotation[3 * world + axis]! < 0 ? "LPI" : "RAS")[world]!;
  }
  return codes.join("");
}
