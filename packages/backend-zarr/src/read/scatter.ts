import { widenFloat16 } from "@lazyimg/codecs";
import { type DataOf, DTYPES, type Range4D, stridedCopy, type Tensor } from "@lazyimg/core";
import type { ArraySpec } from "../meta/array-spec.js";
import { type Axes, channelOf, type Frame, positionsIn, type Span } from "./axes.js";

/** Decoded elements of a box of the array, in the machine's byte order. */
export interface DecodedBox {
  readonly bytes: Uint8Array;
  /** Array position of the first element. */
  readonly origin: readonly number[];
  /** Elements between neighbours along each array axis. */
  readonly strides: readonly number[];
}

/** What one read wants, of which array. */
export interface Wanted {
  readonly range: Range4D;
  /** The places along C that the range touches. */
  readonly frames: readonly Frame[];
  readonly spec: ArraySpec;
  readonly axes: Axes;
}

/** What one read fills. */
export interface Region extends Wanted {
  /** Holds `range`. */
  readonly out: Tensor;
}

/** The bytes as what a tensor of `spec` holds; float16 becomes float32. */
function elementsOf(bytes: Uint8Array, { type }: ArraySpec): DataOf {
  if (type.half) {
    const bits = aligned(bytes, 2);
    return widenFloat16(new Uint16Array(bits.buffer, bits.byteOffset, bits.length / 2));
  }
  const { array } = DTYPES[type.dtype];
  const size = array.BYTES_PER_ELEMENT;
  const data = aligned(bytes, size);
  return new array(data.buffer, data.byteOffset, data.length / size);
}

function aligned(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.byteOffset % size === 0 ? bytes : bytes.slice();
}

const ONE: Span = { start: 0, size: 1 };

/** Whether a place along C lies within `spans`. */
const isWithin =
  ({ axes }: Wanted, spans: readonly Span[]) =>
  ({ t, c }: Frame): boolean => {
    const within = (axis: number | undefined, at: number): boolean =>
      axis === undefined || (at >= spans[axis]!.start && at < spans[axis]!.start + spans[axis]!.size);
    return within(axes.t, t) && within(axes.c, c);
  };

/** Which positions along I, J and K of a region lie within `spans`. */
const voxelsIn = ({ range, axes }: Wanted, spans: readonly Span[]) =>
  [axes.i, axes.j, axes.k].map((axis, n) =>
    positionsIn(range[n + 1]!, axis === undefined ? ONE : spans[axis]!),
  );

/** Whether anything of `spans`, a part of the region's box, is wanted: a step may go past a chunk. */
export const wants = (wanted: Wanted, spans: readonly Span[]): boolean =>
  voxelsIn(wanted, spans).every(({ size }) => size > 0) && wanted.frames.some(isWithin(wanted, spans));

/**
 * Copies the part of `box` that lies within `spans` to its place in the region.
 *
 * @param spans the part of the array that `box` has and the region's box covers, one for each array axis
 */
export function scatter(box: DecodedBox, spans: readonly Span[], region: Region): void {
  const { out, range, spec, axes } = region;
  const frames = region.frames.filter(isWithin(region, spans));
  const [first] = frames;
  // A chunk between the frames that are wanted.
  if (first === undefined) return;
  const { samples, dtype } = spec.type;
  const data = elementsOf(box.bytes, spec);
  const along = (axis: number | undefined): number => (axis === undefined ? 0 : box.strides[axis]! * samples);
  const before = (axis: number | undefined, position: number): number =>
    axis === undefined ? 0 : (position - box.origin[axis]!) * along(axis);
  const spatial = [axes.i, axes.j, axes.k];
  const voxels = voxelsIn(region, spans);
  const sizes = voxels.map(({ size }) => size);
  const steps = spatial.map((axis, n) => along(axis) * range[n + 1]!.step);
  const base = voxels.reduce((sum, voxel, n) => sum + before(spatial[n], voxel.first), 0);
  const corner = voxels.reduce((sum, { at }, n) => sum + at * out.strides[n + 1]!, out.offset);

  /** Copies `count` places along C, the first of them to place `at` of the region. */
  const copy = (at: number, count: number, step: number, offset: number): void => {
    const from = { data, dtype, strides: [step, ...steps], offset };
    const to = { data: out.data, dtype, strides: out.strides, offset: corner + at * out.strides[0] };
    stridedCopy(from, to, [count, ...sizes])();
  };

  const offsetOf = ({ t, c }: Frame): number => base + before(axes.t, t) + before(axes.c, c);
  const { start, step } = range[0];
  const channels = frames.map((frame) => channelOf(spec, axes, frame));
  const isOfTime = frames.every(({ c }) => c === first.c);
  const isOfOneAxis = isOfTime || frames.every(({ t }) => t === first.t);
  if (samples === 1 && isOfOneAxis && channels.every((channel, n) => channel === channels[0]! + n * step)) {
    const { t, c } = frames[1] ?? first;
    const distance = (t - first.t) * along(axes.t) + (c - first.c) * along(axes.c);
    copy((channels[0]! - start) / step, frames.length, distance, offsetOf(first));
    return;
  }
  for (const [n, frame] of frames.entries()) {
    // A range of C may begin or end between the samples of one element, or step over some.
    const { first: from, size, at } = positionsIn(range[0], { start: channels[n]!, size: samples });
    if (size > 0) copy(at, size, step, offsetOf(frame) + from - channels[n]!);
  }
}

/** Fills the part of the region that belongs to `spans` with the fill value. */
export function scatterFill(spans: readonly Span[], region: Region): void {
  // One element, repeated by strides of 0.
  const box = { bytes: region.spec.fill.slice(), origin: spans.map(() => 0), strides: spans.map(() => 0) };
  scatter(box, spans, region);
}
