import {
  type AxisRange,
  mapAxes,
  type Range4D,
  type Shape4D,
  type Slice,
  shapeOf,
  sizeOf,
  slice,
} from "@lazyimg/core";
import type { PlaneRequest } from "../protocol.js";

/** How much more a thicker region may cost. */
const LITTLE_MORE = 1.25;
/** Regions of planes along no axes are rounded to this, so that the next plane finds them. */
const ROUNDED = 32;
/** Of an axis at least so many positions are left. */
const LEAST = 8;

export const indexOf = (range: Range4D): Slice[] =>
  range.map(({ start, step, size }) => slice(start, start + size * step, step));

export const whole = (size: number): AxisRange => ({ start: 0, step: 1, size });

const withAxis = (range: Range4D, axis: number, other: AxisRange): Range4D =>
  mapAxes(range, (own, n) => (n === axis ? other : own));

/** The voxels that a plane needs; `null` where it passes the image by. */
export function rangeOf(
  { width, height, toVoxel, across, channel }: PlaneRequest,
  shape: Shape4D,
): Range4D | null {
  const corners = [0, width - 1].flatMap((x) => [0, height - 1].map((y) => [x, y] as const));
  const range = mapAxes(shape, (size, axis): AxisRange => {
    if (axis === 0) return channel === null ? whole(size) : { start: channel, step: 1, size: 1 };
    const [ax, ay, a] = toVoxel.slice(3 * axis - 3, 3 * axis) as [number, number, number];
    const places = corners.map(([x, y]) => ax * x + ay * y + a);
    const block = across === null ? ROUNDED : 1;
    // Points that lie apart stand for the voxels around them: the same are read however many points there are.
    const around = across === null ? 0 : Math.max(0, (Math.abs(ax) + Math.abs(ay) - 1) / 2);
    const first = Math.round(Math.min(...places) - around);
    const last = Math.round(Math.max(...places) + around);
    const start = Math.max(0, Math.floor(first / block) * block);
    const stop = Math.min(size, (Math.floor(last / block) + 1) * block);
    return { start, step: 1, size: Math.max(0, stop - start) };
  });
  return sizeOf(shapeOf(range)) === 0 ? null : range;
}

/** Every so manieth position of an axis, so that each stands for those around it. */
function everyNth({ start, size }: AxisRange, step: number): AxisRange {
  const first = Math.min(step >> 1, size - 1);
  return { start: start + first, step, size: Math.ceil((size - first) / step) };
}

/** Every so manieth voxel along all three axes, of a range that is `times` too large. */
export function thinnedBox(range: Range4D, times: number): Range4D {
  const step = Math.ceil(Math.cbrt(Math.max(1, times)));
  return mapAxes(range, (own, axis) => (axis === 0 || own.size < step ? own : everyNth(own, step)));
}

/**
 * A plane with no more rows and columns than may be had for `most`: of the axis where leaving some out saves most, every so
 * manieth. Where nothing is saved, all are left.
 *
 * @param across the axis of (C, I, J, K) that the plane lies across
 * @param measure what a range costs
 */
export function thinnedPlane(
  plane: Range4D,
  across: number,
  measure: (range: Range4D) => number,
  most: number,
): Range4D {
  let [found, cost] = [plane, measure(plane)];
  const axes = new Set([1, 2, 3].filter((axis) => axis !== across));
  while (cost > most && axes.size > 0) {
    const options = [...axes].map((axis) => {
      const thin = thinnedAlong(found, axis, measure, most);
      return { axis, thin, cost: measure(thin) };
    });
    const best = options.reduce((a, b) => (b.cost < a.cost ? b : a));
    if (best.cost >= cost) break;
    [found, cost] = [best.thin, best.cost];
    axes.delete(best.axis);
  }
  return found;
}

/** The least thinning of one axis that is enough, or the most that there is. */
function thinnedAlong(
  range: Range4D,
  axis: number,
  measure: (range: Range4D) => number,
  most: number,
): Range4D {
  const at = (step: number): Range4D => withAxis(range, axis, everyNth(range[axis]!, step));
  let [low, high] = [1, Math.max(1, Math.floor(range[axis]!.size / LEAST))];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (measure(at(middle)) <= most) high = middle;
    else low = middle + 1;
  }
  return at(high);
}

/**
 * The thickest region around a plane that costs little more than the plane.
 *
 * @param across the axis of (C, I, J, K) that the plane lies across, and its size
 * @param most positions of that axis
 * @param cost what a range costs
 */
export function thickened(
  plane: Range4D,
  across: { readonly axis: number; readonly size: number },
  most: number,
  cost: (range: Range4D) => number,
): Range4D {
  const { axis, size } = across;
  const least = cost(plane);
  for (let thickness = Math.min(size, most); thickness > 1; thickness = Math.floor(thickness / 2)) {
    const start = Math.floor(plane[axis]!.start / thickness) * thickness;
    const thick = withAxis(plane, axis, { start, step: 1, size: Math.min(thickness, size - start) });
    if (cost(thick) <= LITTLE_MORE * least) return thick;
  }
  return plane;
}
