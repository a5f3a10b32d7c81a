import { widenFloat16 } from "@lazyimg/codecs";
import { type DataOf, DTYPES, type Range4D, stridedCopy, type Tensor } from "@lazyimg/core";
import type { ArraySpec } from "../meta/array-spec.js";
import { type Axes, channelOf, type Frame, type Span } from "./axes.js";

/** Decoded elements of a box of the array, in the machine's byte order. */
export interface DecodedBox {
  readonly bytes: Uint8Array;
  /** Array position of the first element. */
  readonly origin: readonly number[];
  /** Elements between neighbours along each array axis. */
  readonly strides: readonly number[];
}

/** What one read fills. */
export interface Region {
  /** Holds `range`. */
  readonly out: Tensor;
  readonly range: Range4D;
  /** The places along C that the range touches. */
  readonly frames: readonly Frame[];
  readonly spec: ArraySpec;
  readonly axes: Axes;
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

/**
 * Copies the part of `box` that lies within `spans` to its place in the region.
 *
 * @param spans the part of the array that `box` has and the region wants, one for each array axis
 */
export function scatter(box: DecodedBox, spans: readonly Span[], region: Region): void {
  const { out, range, spec, axes } = region;
  const within = (axis: number | undefined, at: number): boolean =>
    axis === undefined || (at >= spans[axis]!.start && at < spans[axis]!.start + spans[axis]!.size);
  const frames = region.frames.filter(({ t, c }) => within(axes.t, t) && within(axes.c, c));
  const [first] = frames;
  // A chunk between the frames that a read with steps asks for.
  if (first === undefined) return;
  const { samples, dtype } = spec.type;
  const data = elementsOf(box.bytes, spec);
  const along = (axis: number | undefined): number => (axis === undefined ? 0 : box.strides[axis]! * samples);
  const span = (axis: number | undefined): Span =>
    axis === undefined ? { start: 0, size: 1 } : spans[axis]!;
  const before = (axis: number | undefined, position: number): number =>
    axis === undefined ? 0 : (position - box.origin[axis]!) * along(axis);
  const spatial = [axes.i, axes.j, axes.k];
  const [si, sj, sk] = [span(axes.i), span(axes.j), span(axes.k)];
  const base = spatial.reduce((sum: number, axis) => sum + before(axis, span(axis).start), 0);
  const target = (c: number): number =>
    out.offset +
    (c - range[0].start) * out.strides[0] +
    (si.start - range[1].start) * out.strides[1] +
    (sj.start - range[2].start) * out.strides[2] +
    (sk.start - range[3].start) * out.strides[3];

  const copy = (c: number, count: number, step: number, offset: number): void => {
    const from = { data, dtype, strides: [step, along(axes.i), along(axes.j), along(axes.k)], offset };
    const to = { data: out.data, dtype, strides: out.strides, offset: target(c) };
    stridedCopy(from, to, [count, si.size, sj.size, sk.size])();
  };

  const offsetOf = ({ t, c }: Frame): number => base + before(axes.t, t) + before(axes.c, c);
  const moving = frames.length === 1 || frames.every(({ c }) => c === first.c) ? axes.t : axes.c;
  const isLine = samples === 1 && frames.every((frame, n) => frame.t - first.t + (frame.c - first.c) === n);
  const oneAxis = frames.every(({ t }) => t === first.t) || frames.every(({ c }) => c === first.c);
  const channels = frames.map((frame) => channelOf(spec, axes, frame));
  const consecutive = channels.every((channel, n) => channel === channels[0]! + n);
  if (isLine && oneAxis && consecutive) {
    copy(channels[0]!, frames.length, frames.length === 1 ? 0 : along(moving), offsetOf(first));
    return;
  }
  const end = range[0].start + range[0].size;
  for (const [n, frame] of frames.entries()) {
    // A range of C may begin or end between the samples of one element.
    const from = Math.max(channels[n]!, range[0].start);
    const to = Math.min(channels[n]! + samples, end);
    if (from < to) copy(from, to - from, 1, offsetOf(frame) + from - channels[n]!);
  }
}

/** Fills the part of the region that belongs to `spans` with the fill value. */
export function scatterFill(spans: readonly Span[], region: Region): void {
  // One element, repeated by strides of 0.
  const box = { bytes: region.spec.fill.slice(), origin: spans.map(() => 0), strides: spans.map(() => 0) };
  scatter(box, spans, region);
}
