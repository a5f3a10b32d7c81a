import { type ByteSource, DTYPES, type Range4D, type ReadPlan, shapeOf, sizeOf } from "@lazyimg/core";
import { type ArrayLayout, type DiskAxis, diskAxes, firstByte } from "./layout.js";

/** Spans beyond this many bytes are streamed and gathered as they pass, so that memory follows the region, not the file. */
export const STREAM_FROM: number = 4 * 2 ** 20;
/** Dense spans beyond this are read in pieces of it, so that pages are faulted in by several threads and aborts are prompt. */
export const PIECE: number = 8 * 2 ** 20;
/**
 * Dense regions that the target wants in another order are turned slab by slab: large enough for a cache line of the
 * target along the slowest axis on disk, small enough to stay in memory twice.
 */
export const SLAB: number = 8 * 2 ** 20;
/** Reads under way at once: no fewer of large spans, no more of small ones, whose latencies are what they cost. */
const FEWEST = 6;
const MOST = 128;
/** Bytes that more than the fewest may take together. */
const UNDER_WAY = 2 * 2 ** 20;

/** How a region will be read: one span of bytes, repeated along the axes whose gaps are too wide to read across. */
export interface RegionPlan {
  /** Byte of the first element. */
  readonly start: number;
  /** Axes read across, fastest first: together they make one span. */
  readonly inner: readonly DiskAxis[];
  /** Axes along which the span repeats, fastest first. */
  readonly outer: readonly DiskAxis[];
  /** Bytes of one span, gaps included. */
  readonly span: number;
  /** Whether the span has no gaps. */
  readonly dense: boolean;
  /** Number of spans. */
  readonly spans: number;
}

/** Groups the axes of a region into spans: what lies closer than `gap` bytes is read as one. */
export function planRegion(layout: ArrayLayout, range: Range4D, gap: number): RegionPlan {
  const { itemSize } = DTYPES[layout.dtype];
  const axes = diskAxes(layout, range);
  let span = itemSize;
  let payload = itemSize;
  let merged = 0;
  for (const { size, distance } of axes) {
    if (distance - span > gap) break;
    span += (size - 1) * distance;
    payload *= size;
    merged++;
  }
  const outer = axes.slice(merged);
  return {
    start: firstByte(layout, range),
    inner: axes.slice(0, merged),
    outer,
    span,
    dense: span === payload,
    spans: outer.reduce((product, { size }) => product * size, 1),
  };
}

/** How many of the spans, or of the pieces of large ones, are read at once. */
export function readsAtOnce({ span }: RegionPlan): number {
  return Math.max(FEWEST, Math.min(MOST, Math.floor(UNDER_WAY / span)));
}

/** First bytes of all spans, in the order in which they lie on disk. */
export function* spanStarts({ start, outer }: RegionPlan): Generator<number> {
  const position = outer.map(() => 0);
  for (;;) {
    yield position.reduce((sum, n, axis) => sum + n * outer[axis]!.distance, start);
    let axis = 0;
    while (axis < outer.length && ++position[axis]! === outer[axis]!.size) position[axis++] = 0;
    if (axis === outer.length) return;
  }
}

/** What reading `range` will cost. */
export function explainRegion(source: ByteSource, layout: ArrayLayout, range: Range4D): ReadPlan {
  const plan = planRegion(layout, range, source.gap);
  const outputBytes = sizeOf(shapeOf(range)) * DTYPES[layout.dtype].itemSize;
  const perSpan = plan.dense ? Math.ceil(plan.span / PIECE) : 1;
  const scratch =
    plan.span > STREAM_FROM ? 4 * STREAM_FROM : plan.span * Math.min(readsAtOnce(plan), plan.spans);
  let requests = perSpan * plan.spans;
  let bytes = plan.span * plan.spans;
  let peakBytes = outputBytes + (plan.dense ? 0 : scratch);
  if (source.cost) {
    const beneath = costBeneath(plan, (offset, length) => source.cost!(offset, length));
    ({ requests, bytes } = beneath);
    peakBytes += beneath.peakBytes;
  }
  return { requests, bytes, outputBytes, peakBytes };
}

/**
 * What all spans cost beneath the source, when what a span shares with the one before is paid once: blocks of a cache,
 * gzip's stretches between checkpoints.
 */
function costBeneath(plan: RegionPlan, cost: NonNullable<ByteSource["cost"]>): ReturnType<typeof cost> {
  const total = { requests: 0, bytes: 0, peakBytes: 0 };
  let before = { start: plan.start, requests: 0, bytes: 0 };
  for (const start of spanStarts(plan)) {
    const alone = cost(start, plan.span);
    const both = cost(before.start, start + plan.span - before.start);
    const shares = both.bytes - before.bytes < alone.bytes;
    total.bytes += shares ? both.bytes - before.bytes : alone.bytes;
    total.requests += shares ? Math.max(0, both.requests - before.requests) : alone.requests;
    total.peakBytes = Math.max(total.peakBytes, alone.peakBytes);
    before = { start, ...alone };
  }
  return total;
}
