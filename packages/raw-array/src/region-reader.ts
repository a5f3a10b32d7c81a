import {
  type BackendDriver,
  type ByteSource,
  bytesOf,
  type DataOf,
  DTYPES,
  LazyImageError,
  mapAxes,
  type Range4D,
  type ReadContext,
  shapeOf,
  sizeOf,
  stridedCopy,
  Tensor,
} from "@lazyimg/core";
import { freshMemory } from "#memory";
import { needsSwap, swapBytes } from "./byte-order.js";
import { SpanGatherer } from "./gather.js";
import { type ArrayLayout, diskAxes, stridesInOrder } from "./layout.js";
import { inParallel } from "./parallel.js";
import {
  explainRegion,
  PIECE,
  planRegion,
  type RegionPlan,
  readsAtOnce,
  SLAB,
  STREAM_FROM,
  spanStarts,
} from "./plan.js";

/**
 * The reading half of a driver over one dense array inside a byte source: spread it into `defineBackend`'s argument.
 *
 * A region comes back with its axes in the order they have on disk. Few reads of few bytes: what lies closer than the
 * source's `gap` is read as one, and spans too large to hold are gathered as they pass.
 *
 * @throws LazyImageError (from reads) `ERR_TRUNCATED` when the source ends before the region, `ERR_LIMIT` when there is
 * no memory for it
 */
export function rawArray(
  source: ByteSource,
  layout: ArrayLayout,
): Pick<BackendDriver, "readRegion" | "plan"> & { readonly strided: true } {
  return {
    strided: true,
    readRegion: (range, context) => readRegion(source, layout, range, context),
    plan: (range) => explainRegion(source, layout, range),
  };
}

/** A dense tensor for a region, with axes in the order that they have on disk; in `memory` if it is large enough. */
function regionTensor(
  { dtype }: ArrayLayout,
  range: Range4D,
  { inner, outer }: RegionPlan,
  memory?: ArrayBuffer,
): Tensor {
  const shape = shapeOf(range);
  const varying = [...inner, ...outer].map(({ axis }) => axis);
  const order = [...varying, ...[0, 1, 2, 3].filter((axis) => !varying.includes(axis))];
  const { array, lanes, itemSize } = DTYPES[dtype];
  const size = sizeOf(shape);
  const bytes = size * itemSize;
  let data: DataOf;
  try {
    data = new array(memory && memory.byteLength >= bytes ? memory : freshMemory(bytes), 0, size * lanes);
  } catch (cause) {
    throw new LazyImageError(
      "ERR_LIMIT",
      `A region of shape (${shape}) of ${dtype} has ${bytes} bytes, more than there is memory for; read in parts.`,
      { cause },
    );
  }
  return new Tensor({ data, dtype, shape, strides: stridesInOrder(shape, order) });
}

async function readRegion(
  source: ByteSource,
  layout: ArrayLayout,
  range: Range4D,
  context: ReadContext,
): Promise<Tensor> {
  const plan = planRegion(layout, range, source.gap);
  const tensor = context.target ?? regionTensor(layout, range, plan);
  const job: Job = { source, plan, tensor, signal: context.signal, report: progress(plan, context) };
  if (plan.dense && isDense(plan, tensor)) {
    // The commonest read, a slice, should cost what its bytes cost: no machinery of many.
    if (plan.spans === 1 && plan.span <= PIECE) await readOne(job);
    else await readDense(job);
  } else if (plan.dense && plan.span > SLAB) await readInSlabs(job, layout, range);
  else if (plan.span > STREAM_FROM) await readStreamed(job);
  else await readSpans(job);
  if (needsSwap(layout.littleEndian, tensor.data)) swapBytes(tensor.data);
  return tensor;
}

/** Whether a span's elements lie in the target just as they do on disk. */
function isDense({ inner }: RegionPlan, { strides, dtype }: Tensor): boolean {
  const { itemSize } = DTYPES[dtype];
  return inner.every(({ axis, distance }) => strides[axis]! * itemSize === distance);
}

/** A region to be read: how, into what, and for whom. */
interface Job {
  readonly source: ByteSource;
  readonly plan: RegionPlan;
  readonly tensor: Tensor;
  readonly signal: AbortSignal | undefined;
  /** Tells the reader that so many more bytes have come. */
  readonly report: (bytes: number) => void;
}

function progress({ span, spans }: RegionPlan, { onProgress }: ReadContext): Job["report"] {
  let bytes = 0;
  return (more) => {
    bytes += more;
    onProgress?.({ bytes, totalBytes: span * spans });
  };
}

/** Every span with the element of the target that its first one becomes. */
function* targets({ plan, tensor }: Job): Generator<{ start: number; offset: number }> {
  const outer = plan.outer.map(({ axis, size }) => ({ axis, size, distance: tensor.strides[axis]! }));
  const offsets = spanStarts({ ...plan, start: tensor.offset, outer });
  for (const start of spanStarts(plan)) yield { start, offset: offsets.next().value as number };
}

async function readExactly({ source, signal }: Job, offset: number, into: Uint8Array): Promise<Uint8Array> {
  const bytes = await source.read(offset, into.length, { signal, into });
  if (bytes.length < into.length) throw truncated(offset + into.length, offset + bytes.length);
  return bytes;
}

function truncated(expected: number, found: number): LazyImageError {
  return new LazyImageError(
    "ERR_TRUNCATED",
    `The data end at byte ${found}, but the region reaches to byte ${expected}; the file was cut short or its header is damaged.`,
  );
}

/** A single piece that goes straight into the result. */
async function readOne(job: Job): Promise<void> {
  const { plan, tensor, report } = job;
  const from = tensor.offset * DTYPES[tensor.dtype].itemSize;
  await readExactly(job, plan.start, bytesOf(tensor.data).subarray(from, from + plan.span));
  report(plan.span);
}

/** No gaps on either side: bytes go straight into the result. */
async function readDense(job: Job): Promise<void> {
  const { plan, tensor, report } = job;
  const bytes = bytesOf(tensor.data);
  const { itemSize } = DTYPES[tensor.dtype];
  function* pieces(): Generator<{ start: number; into: Uint8Array }> {
    for (const { start, offset } of targets(job)) {
      for (let done = 0; done < plan.span; done += PIECE) {
        const from = offset * itemSize + done;
        yield { start: start + done, into: bytes.subarray(from, from + Math.min(PIECE, plan.span - done)) };
      }
    }
  }
  await inParallel(pieces(), readsAtOnce(plan), async ({ start, into }) => {
    await readExactly(job, start, into);
    report(into.length);
  });
}

/** The range cut across the slowest axes on disk, into parts of at most `SLAB` bytes where that is possible. */
function* slabsOf(layout: ArrayLayout, range: Range4D): Generator<Range4D> {
  const bytes = sizeOf(shapeOf(range)) * DTYPES[layout.dtype].itemSize;
  const slowest = diskAxes(layout, range).at(-1);
  if (bytes <= SLAB || slowest === undefined) return yield range;
  const { axis, size } = slowest;
  const { start, step } = range[axis]!;
  const count = Math.max(1, Math.floor((SLAB / bytes) * size));
  for (let done = 0; done < size; done += count) {
    const part = { start: start + done * step, step, size: Math.min(count, size - done) };
    yield* slabsOf(
      layout,
      mapAxes(range, (own, n) => (n === axis ? part : own)),
    );
  }
}

/** No gaps on disk, but another order in memory: turned slab by slab, by way of scratch memory that is used again. */
async function readInSlabs(job: Job, layout: ArrayLayout, range: Range4D): Promise<void> {
  const scratch = [new ArrayBuffer(SLAB), new ArrayBuffer(SLAB)];
  await inParallel(slabsOf(layout, range), scratch.length, async (part, lane) => {
    const plan = planRegion(layout, part, job.source.gap);
    const slab = regionTensor(layout, part, plan, scratch[lane]);
    await readDense({ ...job, plan, tensor: slab });
    const place = part.map(({ start, size }, axis) => {
      const first = (start - range[axis]!.start) / range[axis]!.step;
      return { start: first, stop: first + size, step: null };
    });
    slab.copyTo(job.tensor.slice(place));
  });
}

/** Spans that fit in memory: each is read whole into scratch memory that is used again, and gathered. */
async function readSpans(job: Job): Promise<void> {
  const { plan, tensor, report } = job;
  const { dtype, data, strides } = tensor;
  const { array, lanes, itemSize } = DTYPES[dtype];
  const shape = plan.inner.map(({ size }) => size);
  const to = { data, dtype, offset: 0, strides: plan.inner.map(({ axis }) => strides[axis]!) };
  const loops = Array.from({ length: Math.min(readsAtOnce(plan), plan.spans) }, () => {
    const scratch = freshMemory(plan.span);
    const from = {
      data: new array(scratch, 0, (plan.span / itemSize) * lanes),
      dtype,
      offset: 0,
      strides: plan.inner.map(({ distance }) => distance / itemSize),
    };
    return { bytes: new Uint8Array(scratch), copy: stridedCopy(from, to, shape) };
  });
  await inParallel(targets(job), loops.length, async ({ start, offset }, loop) => {
    const { bytes, copy } = loops[loop]!;
    await readExactly(job, start, bytes);
    copy(0, offset);
    report(plan.span);
  });
}

/** Spans too large to hold: gathered as they pass. */
async function readStreamed(job: Job): Promise<void> {
  const { source, plan, tensor, signal, report } = job;
  for (const { start, offset } of targets(job)) {
    const gatherer = new SpanGatherer(plan.inner, { tensor, offset });
    let passed = 0;
    for await (const piece of source.stream(start, plan.span, { signal })) {
      gatherer.push(piece);
      passed += piece.length;
      report(piece.length);
    }
    if (passed < plan.span) throw truncated(start + plan.span, start + passed);
  }
}
