import {
  allocate,
  DTYPES,
  type Range4D,
  type ReadContext,
  type ReadPlan,
  type Shape4D,
  shapeOf,
  sizeOf,
  Tensor,
} from "@lazyimg/core";
import type { SharedWork } from "@lazyimg/core/abort";
import { readFileSync } from "#directory";
import { type DecodeWorker, decodeWorkers } from "#workers";
import type { ArraySpec } from "../meta/array-spec.js";
import type { Store } from "../store/store.js";
import { type Axes, type Frame, framesOf, type Span, shape4DOf, spansOf } from "./axes.js";
import { denseStrides } from "./boxes.js";
import { breathe } from "./breathe.js";
import type { ChunkCache } from "./cache.js";
import { type ChunkSource, zarritaChunks } from "./fallback.js";
import { joinWork } from "./join-work.js";
import { scatter, scatterFill } from "./scatter.js";
import { ShardReader } from "./shards.js";
import { type ChunkLayout, type Task, type TaskChunk, TaskRunner } from "./task.js";

/** Decoded bytes of one task: enough rows to copy at once, little enough to hold several. */
const TASK_BYTES = 16 << 20;
/** Decoded bytes that are fetched at once from one shard. */
const BATCH_BYTES = 64 << 20;
/** Regions with fewer decoded bytes are read by the thread that asks: waking others would take as long. */
const WORKER_BYTES = 12 << 20;
/** Tasks that a worker has at a time: it must not wait while the main thread decodes one of its own. */
const TASKS_AHEAD = 3;
/** Tasks for each thread at least, where there are so many chunks: all are to end at the same time. */
const TASKS_EACH = 8;
/** How long to block the event loop, in milliseconds. */
const BLOCKING = 12;

/** One chunk that a read needs. */
interface Need {
  /** Identifies the chunk, in a shard too. */
  readonly key: string;
  /** Key of the object that holds it. */
  readonly object: string;
  /** In the array's chunk grid. */
  readonly coordinates: readonly number[];
  /** The part of the array that the chunk has and the read wants. */
  readonly spans: readonly Span[];
}

/** Chunks that are fetched together, and the tasks that decode them. */
interface Batch {
  readonly needs: readonly Need[];
  /** Rows of neighbouring chunks; a `whole` one is a single chunk that is decoded all and kept. */
  readonly rows: readonly { readonly needs: readonly Need[]; readonly whole: boolean }[];
}

/** What one read works with. */
interface Reading {
  readonly out: Tensor;
  readonly range: Range4D;
  readonly frames: readonly Frame[];
  readonly signal: AbortSignal | undefined;
  readonly keep: boolean;
  done(needs: number): void;
}

let mainRunner: TaskRunner | undefined;

/** Regions of one array: which chunks, from where, decoded by whom, copied to where. */
export class ArrayReader {
  readonly shape: Shape4D;
  readonly spec: ArraySpec;
  readonly #axes: Axes;
  readonly #store: Store;
  readonly #cache: ChunkCache;
  readonly #layout: ChunkLayout;
  readonly #shards: ShardReader | undefined;
  readonly #fetching = new Map<string, SharedWork<Uint8Array | undefined>>();
  #unusual: Promise<ChunkSource> | undefined;

  constructor(store: Store, spec: ArraySpec, axes: Axes, cache: ChunkCache) {
    const inOrder = (values: readonly number[]) => spec.order.map((axis) => values[axis]!);
    const { type } = spec;
    this.spec = spec;
    this.shape = shape4DOf(spec, axes);
    this.#axes = axes;
    this.#store = store;
    this.#cache = cache;
    this.#layout = {
      codecs: spec.codecs ?? [],
      chunkShape: inOrder(spec.chunkShape),
      chunkBytes: spec.chunkBytes,
      itemSize: type.itemSize,
      swapSize: spec.bigEndian ? type.numberSize : 1,
      fill: spec.fill,
    };
    this.#shards = spec.sharding && new ShardReader(store, spec);
  }

  /** Reads a region as it is stored; see `BackendDriver.readRegion`. */
  async readRegion(range: Range4D, { signal, onProgress, target }: ReadContext): Promise<Tensor> {
    const frames = framesOf(this.spec, this.#axes, range[0]);
    const needs = this.#needs(spansOf(this.spec, this.#axes, range, frames));
    const out = target ?? this.#allocate(shapeOf(range));
    const { chunkBytes } = this.spec;
    const totalBytes = needs.length * chunkBytes;
    let bytes = 0;
    const reading: Reading = {
      out,
      range,
      frames,
      signal,
      keep: 2 * totalBytes <= this.#cache.limit,
      done(count) {
        bytes += count * chunkBytes;
        onProgress?.({ bytes, totalBytes });
      },
    };
    const missing = needs.filter((need) => {
      const kept = this.#cache.get(need.key);
      if (kept?.decoded !== true) return true;
      this.#place(kept.bytes, need, reading);
      reading.done(1);
      return false;
    });
    if (missing.length === 0) return out;
    if (this.spec.codecs === undefined) await this.#readUnusual(missing, reading);
    else {
      const workers =
        missing.length > 1 && missing.length * chunkBytes >= WORKER_BYTES ? decodeWorkers() : [];
      const tasks = workers.length === 0 ? 1 : TASKS_EACH * (1 + workers.length);
      const batches = this.#batches(missing, Math.ceil(missing.length / tasks), reading.keep);
      await this.#readBatches(batches, workers, reading);
    }
    return out;
  }

  /** What `readRegion` costs at most: compressed sizes are not known before reading. */
  plan(range: Range4D): ReadPlan {
    const frames = framesOf(this.spec, this.#axes, range[0]);
    const needs = this.#needs(spansOf(this.spec, this.#axes, range, frames));
    const missing = needs.filter(({ key }) => !this.#cache.has(key));
    const outputBytes = sizeOf(shapeOf(range)) * DTYPES[this.spec.type.dtype].itemSize;
    const shards = new Set(this.#shards ? missing.map(({ object }) => object) : []);
    const indices = [...shards].filter((shard) => !this.#shards!.knows(shard)).length;
    const { chunkBytes } = this.spec;
    const ahead = Math.min(missing.length, this.#store.concurrency + TASKS_AHEAD) * chunkBytes;
    return {
      requests: missing.length + indices,
      bytes: missing.length * chunkBytes,
      outputBytes,
      peakBytes: outputBytes + ahead,
    };
  }

  /** All of a small array as bytes, in C order of the array: the NIfTI header. */
  async readBytes(signal: AbortSignal | undefined): Promise<Uint8Array> {
    const size: Range4D = this.shape.map((count) => ({
      start: 0,
      step: 1,
      size: count,
    })) as unknown as Range4D;
    const tensor = (await this.readRegion(size, { signal })).contiguous("F");
    return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  }

  /** Fresh memory with the strides that the chunks have, so that rows are copied whole. */
  #allocate(shape: Shape4D): Tensor {
    const { i, j, k, t, c } = this.#axes;
    const { type, order } = this.spec;
    const place = (axis: number | undefined): number => (axis === undefined ? -1 : order.indexOf(axis));
    const channel = [t, c].filter((axis) => axis !== undefined && this.spec.shape[axis]! > 1).map(place);
    const slowest = channel.length === 0 ? (type.samples > 1 ? order.length : -1) : Math.min(...channel);
    const places = [slowest, place(i), place(j), place(k)];
    const fastestFirst = [0, 1, 2, 3].sort((a, b) => places[b]! - places[a]! || b - a);
    const strides = [0, 0, 0, 0];
    let step = 1;
    for (const axis of fastestFirst) {
      strides[axis] = step;
      step *= shape[axis]!;
    }
    const data = allocate(type.dtype, step);
    return new Tensor({
      data,
      dtype: type.dtype,
      shape,
      strides: strides as [number, number, number, number],
    });
  }

  /** The chunks that overlap a box of the array, the fastest axis in memory running first. */
  #needs(spans: readonly Span[]): Need[] {
    const { chunkShape, order, keyOf } = this.spec;
    const first = spans.map(({ start }, axis) => Math.floor(start / chunkShape[axis]!));
    const last = spans.map(({ start, size }, axis) => Math.floor((start + size - 1) / chunkShape[axis]!));
    const needs: Need[] = [];
    const at = [...first];
    const walk = (depth: number): void => {
      if (depth < order.length) {
        const axis = order[depth]!;
        for (at[axis] = first[axis]!; at[axis]! <= last[axis]!; at[axis]!++) walk(depth + 1);
        return;
      }
      const coordinates = [...at];
      const object = keyOf(this.#shards ? this.#shards.shardOf(coordinates) : coordinates);
      needs.push({
        key: this.#shards ? `${object}[${coordinates}]` : object,
        object,
        coordinates,
        spans: spans.map(({ start, size }, axis) => {
          const begin = Math.max(start, at[axis]! * chunkShape[axis]!);
          const end = Math.min(start + size, (at[axis]! + 1) * chunkShape[axis]!);
          return { start: begin, size: end - begin };
        }),
      });
    };
    walk(0);
    return needs;
  }

  /** @param most chunks of a row at most */
  #batches(needs: readonly Need[], most: number, keep: boolean): Batch[] {
    const { chunkBytes, order } = this.spec;
    // Chunks run along the fastest axis that has several of them here: of a sagittal plane, not x but y.
    const [head] = needs;
    const varies = (axis: number) =>
      needs.some(({ coordinates }) => coordinates[axis] !== head!.coordinates[axis]);
    const running = order.findLast(varies);
    const limit = (bytes: number) => Math.max(1, Math.floor(bytes / chunkBytes));
    const rows: { needs: Need[]; whole: boolean }[] = [];
    let row: Need[] | undefined;
    for (const need of needs) {
      // Keeping a chunk means to decode all of it, into memory of its own: the second use pays for that.
      const again = this.#cache.touch(need.key);
      if (keep && again) {
        rows.push({ needs: [need], whole: true });
        row = undefined;
        continue;
      }
      const before = row?.at(-1);
      const continues =
        before !== undefined &&
        row!.length < Math.min(most, limit(TASK_BYTES)) &&
        (this.#shards === undefined || before.object === need.object) &&
        need.coordinates.every((at, axis) => at === before.coordinates[axis]! + (axis === running ? 1 : 0));
      if (continues) row!.push(need);
      else {
        row = [need];
        rows.push({ needs: row, whole: false });
      }
    }
    if (this.#shards === undefined) return rows.map((one) => ({ needs: one.needs, rows: [one] }));
    const shards = new Map<string, (typeof rows)[]>();
    for (const one of rows) {
      const object = one.needs[0]!.object;
      const groups = shards.get(object) ?? [[]];
      shards.set(object, groups);
      const chunks = groups.at(-1)!.reduce((sum, other) => sum + other.needs.length, 0);
      if (chunks > 0 && chunks + one.needs.length > limit(BATCH_BYTES)) groups.push([]);
      groups.at(-1)!.push(one);
    }
    return [...shards.values()]
      .flat()
      .map((group) => ({ needs: group.flatMap(({ needs }) => needs), rows: group }));
  }

  async #readBatches(
    batches: readonly Batch[],
    workers: readonly DecodeWorker[],
    reading: Reading,
  ): Promise<void> {
    const isLocal = this.#store.sync !== undefined;
    let next = 0;
    let failure: { error: unknown } | undefined;
    const lane = async (worker: DecodeWorker | undefined): Promise<void> => {
      let since = performance.now();
      while (next < batches.length && failure === undefined) {
        reading.signal?.throwIfAborted();
        // While a worker starts, its batches are the main thread's.
        if (worker !== undefined && !worker.ready) {
          await breathe();
          if (batches.length - next <= TASKS_AHEAD) return;
          continue;
        }
        const batch = batches[next++]!;
        const found = await this.#fetch(batch, reading.signal);
        for (const row of batch.rows) {
          if (failure !== undefined) return;
          reading.signal?.throwIfAborted();
          await this.#decode(row, found, worker, reading);
          if (worker !== undefined || performance.now() - since < BLOCKING) continue;
          await breathe();
          since = performance.now();
        }
      }
    };
    const lanes: Promise<void>[] = [];
    const add = (worker: DecodeWorker | undefined): void => {
      lanes.push(
        lane(worker).catch((error: unknown) => {
          failure ??= { error };
        }),
      );
    };
    for (const worker of workers) for (let n = 0; n < TASKS_AHEAD; n++) add(worker);
    const own = isLocal ? 1 : Math.max(1, Math.min(batches.length, this.#store.concurrency) - lanes.length);
    for (let n = 0; n < own; n++) add(undefined);
    await Promise.all(lanes);
    reading.signal?.throwIfAborted();
    if (failure !== undefined) throw (failure as { error: unknown }).error;
  }

  /** The encoded chunks of a batch, by key; `undefined` where workers or the decoder read the files themselves. */
  async #fetch(batch: Batch, signal: AbortSignal | undefined): Promise<Map<string, Uint8Array> | undefined> {
    const found = new Map<string, Uint8Array>();
    const missing = batch.needs.filter(({ key }) => {
      const kept = this.#cache.get(key);
      // Another read may have decoded it since this one began: that is not what a decoder takes.
      if (kept?.decoded !== false) return true;
      found.set(key, kept.bytes);
      return false;
    });
    if (this.#shards !== undefined) {
      if (missing.length === 0) return found;
      const read = await this.#shards.read(batch.needs[0]!.object, missing, { signal });
      for (const [key, bytes] of read) this.#keepEncoded(key, bytes, found);
      return found;
    }
    if (this.#store.sync !== undefined) return undefined;
    await Promise.all(
      missing.map(async ({ key, object }) => {
        const bytes = await joinWork(
          this.#fetching,
          object,
          (shared) => this.#store.get(object, { signal: shared }),
          signal,
        );
        if (bytes !== undefined) this.#keepEncoded(key, bytes, found);
      }),
    );
    return found;
  }

  #keepEncoded(key: string, bytes: Uint8Array, found: Map<string, Uint8Array>): void {
    found.set(key, bytes);
    // A view of a merged range would keep all of it alive.
    const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
    if (this.#cache.limit > 0) this.#cache.set(key, { decoded: false, bytes: own });
  }

  /** Decodes one row, here or in a worker, and copies it to its place. */
  async #decode(
    { needs, whole }: Batch["rows"][number],
    found: ReadonlyMap<string, Uint8Array> | undefined,
    worker: DecodeWorker | undefined,
    reading: Reading,
  ): Promise<void> {
    const { order, chunkShape } = this.spec;
    const { sync } = this.#store;
    const origin = needs[0]!.spans.map(({ start }, axis) =>
      whole ? needs[0]!.coordinates[axis]! * chunkShape[axis]! : start,
    );
    const inOrder = (values: readonly number[]): number[] => order.map((axis) => values[axis]!);
    const chunks = needs.map(({ key, object, coordinates, spans }): TaskChunk => {
      const begin = coordinates.map((at, axis) => at * chunkShape[axis]!);
      return {
        key,
        file: found === undefined ? sync?.fileOf(object) : undefined,
        bytes: found?.get(key),
        start: inOrder(spans.map(({ start }, axis) => (whole ? 0 : start - begin[axis]!))),
        count: inOrder(whole ? chunkShape : spans.map(({ size }) => size)),
        at: inOrder(spans.map(({ start }, axis) => (whole ? 0 : start - origin[axis]!))),
      };
    });
    const last = chunks.at(-1)!;
    const shape = last.count.map((count, axis) => count + last.at[axis]!);
    const task: Task = { chunks, shape };

    const consume = (slab: Uint8Array, isOwn: boolean): void => {
      const [need] = needs;
      if (whole) {
        const bytes = isOwn ? slab : slab.slice();
        this.#cache.set(need!.key, { decoded: true, bytes });
        this.#place(bytes, need!, reading);
      } else {
        const spans = need!.spans.map(({ start }, axis) => ({ start, size: shape[order.indexOf(axis)]! }));
        const dense = denseStrides(shape);
        const strides = spans.map((_, axis) => dense[order.indexOf(axis)]!);
        const box = { bytes: slab, origin, strides };
        scatter(
          box,
          spans,
          this.#framesIn(spans, reading),
          reading.out,
          reading.range,
          this.spec,
          this.#axes,
        );
      }
    };
    if (worker === undefined) {
      mainRunner ??= new TaskRunner(readFileSync);
      await mainRunner.run(task, this.#layout, (slab) => consume(slab, false));
    } else {
      const slab = await worker.run(task, this.#layout);
      reading.signal?.throwIfAborted();
      // A chunk that came in memory of just its size is kept as it is.
      const isKept = whole && slab.byteLength === slab.buffer.byteLength;
      consume(slab, isKept);
      if (!isKept) worker.recycle(slab);
    }
    reading.done(needs.length);
  }

  /** Copies a whole decoded chunk's part to its place. */
  #place(bytes: Uint8Array, need: Need, reading: Reading): void {
    const { chunkShape, order } = this.spec;
    const dense = denseStrides(this.#layout.chunkShape);
    const box = {
      bytes,
      origin: need.coordinates.map((at, axis) => at * chunkShape[axis]!),
      strides: chunkShape.map((_, axis) => dense[order.indexOf(axis)]!),
    };
    const frames = this.#framesIn(need.spans, reading);
    scatter(box, need.spans, frames, reading.out, reading.range, this.spec, this.#axes);
  }

  /** The frames of a read that lie in a box. */
  #framesIn(spans: readonly Span[], { frames }: Reading): Frame[] {
    const within = (axis: number | undefined, at: number): boolean =>
      axis === undefined || (at >= spans[axis]!.start && at < spans[axis]!.start + spans[axis]!.size);
    return frames.filter(({ t, c }) => within(this.#axes.t, t) && within(this.#axes.c, c));
  }

  /** Chunks with codecs that only zarrita has. */
  async #readUnusual(needs: readonly Need[], reading: Reading): Promise<void> {
    this.#unusual ??= zarritaChunks(this.#store, this.spec).catch((error) => {
      // What failed may be tried again.
      this.#unusual = undefined;
      throw error;
    });
    const source = await this.#unusual;
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < needs.length) {
        const need = needs[next++]!;
        const chunk = await source(need.coordinates, need.key, reading.signal);
        const frames = this.#framesIn(need.spans, reading);
        if (chunk === undefined) {
          scatterFill(need.spans, frames, reading.out, reading.range, this.spec, this.#axes);
        } else {
          const origin = need.coordinates.map((at, axis) => at * this.spec.chunkShape[axis]!);
          const box = { bytes: chunk.bytes, origin, strides: chunk.strides };
          scatter(box, need.spans, frames, reading.out, reading.range, this.spec, this.#axes);
        }
        reading.done(1);
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#store.concurrency, needs.length) }, lane));
    reading.signal?.throwIfAborted();
  }
}
