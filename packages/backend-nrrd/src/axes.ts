import { type DType, LazyImageError, mapAxes, type Shape4D, type Strides4D } from "@lazyimg/core";
import { type NrrdFields, quoted } from "./fields.js";
import { directionsOf, isTimeAxis } from "./space.js";

/** More axes than this are no NRRD (NRRD_DIM_MAX). */
const MOST_AXES = 16;

/** What the axes on disk are in an image. */
export interface NrrdAxes {
  /** Numbers of those that are I, J, K: one to three. */
  readonly spatial: readonly number[];
  readonly dtype: DType;
  readonly shape: Shape4D;
  readonly strides: Strides4D;
}

const COMPLEX: Readonly<Partial<Record<DType, DType>>> = { float32: "complex64", float64: "complex128" };

/**
 * Which axes are I, J, K and which is C: an axis is one of space when it has a direction, or, where none has one, by its
 * kind. Real and imaginary parts that lie side by side become complex numbers.
 *
 * @throws LazyImageError `ERR_UNSUPPORTED` for other combinations, `ERR_HEADER` when fields disagree on the number of axes
 */
export function axesOf(header: NrrdFields, sizes: readonly number[], stored: DType, what: string): NrrdAxes {
  if (sizes.length > MOST_AXES) {
    throw new LazyImageError(
      "ERR_HEADER",
      `${what} states ${sizes.length} axes; NRRD has ${MOST_AXES} at most.`,
    );
  }
  const kinds = header.fields.kinds?.toLowerCase().split(/\s+/);
  if (kinds !== undefined && kinds.length !== sizes.length) {
    throw new LazyImageError("ERR_HEADER", `${what} has ${sizes.length} axes and ${kinds.length} kinds.`);
  }
  const isComplex = kinds?.[0] === "complex" && sizes[0] === 2 && stored in COMPLEX;
  const first = isComplex ? 1 : 0;
  const directions = directionsOf(header, sizes.length, what);
  const isSpatial = (axis: number): boolean => {
    if (directions !== null) return directions[axis] !== null && !isTimeAxis(directions[axis]!);
    // Without kinds every axis is one of space.
    return /^(domain|space|none|\?+|)$/.test(kinds?.[axis] ?? "");
  };
  const axes = sizes.map((_, axis) => axis).slice(first);
  const candidates = axes.filter(isSpatial);
  const others = axes.filter((axis) => !candidates.includes(axis));
  // A fourth axis that nothing is said about is that of time.
  const spatial = directions === null && others.length === 0 ? candidates.slice(0, 3) : candidates;
  const channels = axes.filter((axis) => !spatial.includes(axis) && sizes[axis] !== 1);
  if (spatial.length < 1 || spatial.length > 3 || channels.length > 1) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `${what} has axes of (${sizes})${kinds === undefined ? "" : `, which are ${quoted(kinds.join(" "))}`}: ${spatial.length} of space and ${channels.length} others; 1 to 3 of space and one other are read.`,
    );
  }
  const step = (axis: number): number =>
    sizes.slice(first, axis).reduce((product, size) => product * size, 1);
  const [c, i, j, k] = [channels[0], ...spatial];
  const on = [c, i, j, k] as const;
  return {
    spatial,
    dtype: isComplex ? COMPLEX[stored]! : stored,
    shape: mapAxes(on, (axis) => (axis === undefined ? 1 : sizes[axis]!)),
    strides: mapAxes(on, (axis) => (axis === undefined ? 1 : step(axis))),
  };
}
