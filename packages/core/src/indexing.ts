import { mapAxes } from "./axes.js";
import { LazyImageError } from "./errors.js";
import type { Shape4D } from "./tensor.js";

/** A slice of one axis with Python's meaning; `null` is the default of its place. */
export interface Slice {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number | null;
}

/** An index of one axis: a position, a slice, all of it (`null`), or `"..."` for as many whole axes as are missing. */
export type IndexItem = number | Slice | null | "...";

/** An index of (C, I, J, K): one item, or up to four. Missing axes are taken whole. */
export type Index = IndexItem | readonly IndexItem[];

/**
 * Positions `start, start + step, ...` of one axis, `size` of them. `step` is never 0 and may be negative; that of fewer
 * than two positions is 1.
 */
export interface AxisRange {
  readonly start: number;
  readonly step: number;
  readonly size: number;
}

/** One range per axis, in (C, I, J, K) order. */
export type Range4D = readonly [c: AxisRange, i: AxisRange, j: AxisRange, k: AxisRange];

/**
 * A slice, as Python's built-in: `slice(stop)`, `slice(start, stop)` or `slice(start, stop, step)`.
 */
export function slice(stop: number | null): Slice;
export function slice(start: number | null, stop: number | null, step?: number | null): Slice;
export function slice(a: number | null, b?: number | null, step: number | null = null): Slice {
  return b === undefined ? { start: null, stop: a, step } : { start: a, stop: b, step };
}

const wrong = (message: string) => new LazyImageError("ERR_INDEX", message);

/** As Python would print it, for messages. */
function show(item: unknown): string {
  try {
    return typeof item === "number" ? String(item) : (JSON.stringify(item) ?? String(item));
  } catch {
    return String(item);
  }
}

function normalizeItem(item: unknown): number | Slice {
  if (Number.isSafeInteger(item)) return item as number;
  const { start, stop, step } = Object(item) as Partial<Slice>;
  const parts = [start, stop, step];
  const isSlice = item === null || parts.some((part) => part !== undefined);
  if (!isSlice || step === 0 || !parts.every((part) => Number.isSafeInteger(part ?? 0))) {
    throw wrong(
      `Index ${show(item)} is not understood; use integers, slice() of integers and a step other than 0, null or "...".`,
    );
  }
  return { start: start ?? null, stop: stop ?? null, step: step ?? null };
}

/**
 * An index as exactly `ndim` integers and slices: the ellipsis is expanded, `null` and missing axes become whole slices.
 *
 * @throws LazyImageError `ERR_INDEX` for two ellipses, too many items, or an item that is no index.
 */
export function normalizeIndex(
  index: Index = "...",
  { ndim = 4 }: { ndim?: number } = {},
): (number | Slice)[] {
  const items: unknown[] = Array.isArray(index) ? [...index] : [index];
  if (!items.includes("...")) items.push("...");
  const missing = ndim + 1 - items.length;
  if (missing < 0) throw wrong(`Too many indices: ${ndim - missing} for ${ndim} axes in ${show(index)}.`);
  items.splice(items.indexOf("..."), 1, ...Array(missing).fill(null));
  if (items.includes("...")) throw wrong(`Index ${show(index)} has more than one ellipsis.`);
  return items.map(normalizeItem);
}

function resolveItem(item: number | Slice, size: number, axis: string): AxisRange {
  const isNumber = typeof item === "number";
  if (isNumber && (item < -size || item >= size)) {
    throw wrong(
      `Index ${item} is out of bounds for axis ${axis} of size ${size}; use ${-size} to ${size - 1}, or a slice.`,
    );
  }
  const { start, stop, step } = isNumber ? slice(item, item + 1 || null) : item;
  const by = step ?? 1;
  // Python's slice.indices(): bounds are clipped to [lower, upper], which lie one lower for negative steps.
  const lower = by < 0 ? -1 : 0;
  const clip = (value: number) => Math.max(lower, Math.min(value < 0 ? value + size : value, size + lower));
  const first = clip(start ?? -Infinity * by);
  const count = Math.max(0, Math.ceil((clip(stop ?? Infinity * by) - first) / by));
  return { start: count && first, step: count < 2 ? 1 : by, size: count };
}

/**
 * An index against a shape. Integers keep their axis with size 1; negative positions count from the end; slices are
 * clipped, as in Python, and may be empty.
 *
 * @throws LazyImageError `ERR_INDEX` for a malformed index or an integer outside its axis.
 */
export function resolveIndex(index: Index | undefined, shape: Shape4D): Range4D {
  const items = normalizeIndex(index);
  return mapAxes(shape, (size, axis) => resolveItem(items[axis]!, size, "CIJK"[axis]!));
}

/** The shape of what `range` selects. */
export function shapeOf(range: Range4D): Shape4D {
  return mapAxes(range, ({ size }) => size);
}
