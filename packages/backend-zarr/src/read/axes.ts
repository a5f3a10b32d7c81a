import { type AxisRange, allocate, type Range4D, type Shape4D, Tensor } from "@lazyimg/core";
import type { ArraySpec } from "../meta/array-spec.js";

/** Which array axis is which; undefined where the array has none. Axes that appear nowhere have size 1. */
export interface Axes {
  readonly i: number | undefined;
  readonly j: number | undefined;
  readonly k: number | undefined;
  readonly t: number | undefined;
  readonly c: number | undefined;
}

/** Positions along one array axis. */
export interface Span {
  readonly start: number;
  readonly size: number;
}

/** One place along C: time `t` and channel `c`. */
export interface Frame {
  readonly t: number;
  readonly c: number;
}

const sizeOn = (spec: ArraySpec, axis: number | undefined): number =>
  axis === undefined ? 1 : spec.shape[axis]!;

/**
 * (C, I, J, K) of an array. C runs over the samples of an element (RGB) first, then time, then channels, which is the
 * order of NIfTI's dimensions 4 and 5.
 */
export function shape4DOf(spec: ArraySpec, axes: Axes): Shape4D {
  const channels = spec.type.samples * sizeOn(spec, axes.t) * sizeOn(spec, axes.c);
  return [channels, sizeOn(spec, axes.i), sizeOn(spec, axes.j), sizeOn(spec, axes.k)];
}

/** The frames that a range of C touches, in order. */
export function framesOf(spec: ArraySpec, axes: Axes, { start, step, size }: Range4D[0]): Frame[] {
  const { samples } = spec.type;
  const times = sizeOn(spec, axes.t);
  const touched = new Set<number>();
  for (let n = 0; n < size; n++) touched.add(Math.floor((start + n * step) / samples));
  return [...touched].map((n) => ({ t: n % times, c: Math.floor(n / times) }));
}

/** Those positions of a range (with a step above 0) that lie within a span: the first, how many, and which of the range's it is. */
export function positionsIn(
  { start, step, size }: AxisRange,
  span: Span,
): { readonly first: number; readonly size: number; readonly at: number } {
  const at = Math.max(0, Math.ceil((span.start - start) / step));
  const end = Math.min(size, Math.ceil((span.start + span.size - start) / step));
  return { first: start + at * step, size: Math.max(0, end - at), at };
}

/** Where along C a frame begins. */
export function channelOf(spec: ArraySpec, axes: Axes, { t, c }: Frame): number {
  return spec.type.samples * (t + sizeOn(spec, axes.t) * c);
}

/** What is needed along every array axis: the smallest box that holds `range`. */
export function spansOf(spec: ArraySpec, axes: Axes, range: Range4D, frames: readonly Frame[]): Span[] {
  const spans: Span[] = spec.shape.map(() => ({ start: 0, size: 1 }));
  const [, i, j, k] = range;
  for (const [axis, { start, step, size }] of [
    [axes.i, i],
    [axes.j, j],
    [axes.k, k],
  ] as const) {
    if (axis !== undefined) spans[axis] = { start, size: (size - 1) * step + 1 };
  }
  const around = (axis: number | undefined, positions: readonly number[]): void => {
    if (axis === undefined) return;
    const start = positions.reduce((a, b) => Math.min(a, b));
    spans[axis] = { start, size: positions.reduce((a, b) => Math.max(a, b)) - start + 1 };
  };
  around(
    axes.t,
    frames.map(({ t }) => t),
  );
  around(
    axes.c,
    frames.map(({ c }) => c),
  );
  return spans;
}

/** Fresh memory for a region, with the strides that chunks have, so that rows are copied whole. */
export function allocateAsStored(spec: ArraySpec, { i, j, k, t, c }: Axes, shape: Shape4D): Tensor {
  const { type, order } = spec;
  const place = (axis: number | undefined): number => (axis === undefined ? -1 : order.indexOf(axis));
  const channel = [t, c].filter((axis) => axis !== undefined && spec.shape[axis]! > 1).map(place);
  const slowest = channel.length === 0 ? (type.samples > 1 ? order.length : -1) : Math.min(...channel);
  const places = [slowest, place(i), place(j), place(k)];
  const fastestFirst = [0, 1, 2, 3].sort((a, b) => places[b]! - places[a]! || b - a);
  const strides: [number, number, number, number] = [0, 0, 0, 0];
  let step = 1;
  for (const axis of fastestFirst) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return new Tensor({ data: allocate(type.dtype, step), dtype: type.dtype, shape, strides });
}
