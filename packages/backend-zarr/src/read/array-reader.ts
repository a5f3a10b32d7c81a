import {
  DTYPES,
  type Range4D,
  type ReadContext,
  type ReadPlan,
  type Shape4D,
  shapeOf,
  sizeOf,
} from "@lazyimg/core";
import type { ArraySpec } from "../meta/array-spec.js";
import type { Store } from "../store/store.js";
import { type Axes, allocateAsStored, framesOf, shape4DOf, spansOf } from "./axes.js";
import { batchesOf } from "./batches.js";
import type { ChunkCache } from "./cache.js";
import { RowDecoder } from "./decode-row.js";
import { type ChunkSource, zarritaChunks } from "./fallback.js";
import { ChunkFetcher } from "./fetch-chunks.js";
import { AHEAD, runLanes } from "./lanes.js";
import { type Need, needsOf } from "./needs.js";
import { type Region, scatter, scatterFill, type Wanted, wants } from "./scatter.js";
import { ShardReader } from "./shards.js";
import { WorkerShare } from "./worker-pool.js";

/** Most bytes by which codecs make a chunk longer that cannot be compressed, besides one for every 256 of its own. */
const OVERHEAD = 64;
/** Rows for each thread at least, where there are so many chunks: all are to end at the same time. */
const ROWS_EACH = 8;

/** What one read works with. */
interface Reading extends Region {
  readonly signal: AbortSignal | undefined;
  done(needs: number): void;
}

/** Regions of one array: which chunks, from where, decoded by whom, copied to where. */
export class ArrayReader {
  readonly shape: Shape4D;
  readonly spec: ArraySpec;
  readonly #axes: Axes;
  readonly #store: Store;
  readonly #cache: ChunkCache;
  readonly #shards: ShardReader | undefined;
  readonly #fetcher: ChunkFetcher;
  readonly #decoder: RowDecoder;
  readonly #share = new WorkerShare();
  #unusual: Promise<ChunkSource> | undefined;

  constructor(store: Store, spec: ArraySpec, axes: Axes, cache: ChunkCache) {
    this.spec = spec;
    this.shape = shape4DOf(spec, axes);
    this.#axes = axes;
    this.#store = store;
    this.#cache = cache;
    this.#shards = spec.sharding && new ShardReader(store, spec);
    this.#fetcher = new ChunkFetcher(store, this.#shards, cache, spec.chunkBytes);
    this.#decoder = new RowDecoder(spec, store, cache);
  }

  /** Reads a region as it is stored; see `BackendDriver.readRegion`. */
  async readRegion(range: Range4D, { signal, onProgress, target }: ReadContext): Promise<Region["out"]> {
    const { spec } = this;
    const wanted = this.#wanted(range);
    const needs = this.#needsOf(wanted);
    const out = target ?? allocateAsStored(spec, this.#axes, shapeOf(range));
    const totalBytes = needs.length * spec.chunkBytes;
    let bytes = 0;
    const done = (count: number): void => {
      bytes += count * spec.chunkBytes;
      onProgress?.({ bytes, totalBytes });
    };
    const reading: Reading = { out, ...wanted, signal, done };
    const missing = needs.filter((need) => {
      const kept = this.#cache.get(need.key);
      if (kept?.decoded !== true) return true;
      this.#decoder.place(kept.bytes, need, reading);
      done(1);
      return false;
    });
    if (missing.length === 0) return out;
    if (spec.codecs === undefined) await this.#readUnusual(missing, reading);
    else await this.#readKnown(missing, 2 * totalBytes <= this.#cache.limit, reading);
    return out;
  }

  /** What `readRegion` costs at most: compressed sizes are not known before reading. */
  plan(range: Range4D): ReadPlan {
    const needs = this.#needsOf(this.#wanted(range));
    const missing = needs.filter(({ key }) => !this.#cache.has(key));
    const outputBytes = sizeOf(shapeOf(range)) * DTYPES[this.spec.type.dtype].itemSize;
    const shards = new Set(this.#shards ? missing.map(({ object }) => object) : []);
    const indices = [...shards].filter((shard) => !this.#shards!.knows(shard)).length;
    const { chunkBytes } = this.spec;
    const most = chunkBytes + (chunkBytes >> 8) + OVERHEAD;
    const indexBytes = indices > 0 ? indices * this.#shards!.indexBytes : 0;
    const ahead = Math.min(missing.length, this.#store.concurrency + AHEAD) * chunkBytes;
    return {
      requests: missing.length + indices,
      bytes: missing.length * most + indexBytes,
      outputBytes,
      peakBytes: outputBytes + ahead,
    };
  }

  /** All of a small array as bytes, in C order of the array: the NIfTI header. */
  async readBytes(signal: AbortSignal | undefined): Promise<Uint8Array> {
    const [c, i, j, k] = this.shape;
    const all = (size: number) => ({ start: 0, step: 1, size });
    const tensor = (await this.readRegion([all(c), all(i), all(j), all(k)], { signal })).contiguous("F");
    return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  }

  /** Gives up its part in the workers. */
  close(): void {
    this.#share.close();
  }

  #wanted(range: Range4D): Wanted {
    const { spec } = this;
    return { range, frames: framesOf(spec, this.#axes, range[0]), spec, axes: this.#axes };
  }

  /** The chunks that hold voxels of a region. */
  #needsOf(wanted: Wanted): Need[] {
    const { spec, axes, range, frames } = wanted;
    const needs = needsOf(spec, this.#shards, spansOf(spec, axes, range, frames));
    return needs.filter(({ spans }) => wants(wanted, spans));
  }

  /** @param keep whether chunks that are used again are kept decoded */
  async #readKnown(needs: readonly Need[], keep: boolean, reading: Reading): Promise<void> {
    const { signal } = reading;
    const bytes = needs.length * this.spec.chunkBytes;
    const workers = needs.length > 1 ? this.#share.workersFor(bytes) : [];
    const rows = workers.length === 0 ? 1 : ROWS_EACH * (1 + workers.length);
    const batches = batchesOf(this.spec, needs, Math.ceil(needs.length / rows), (key) => {
      // Keeping a chunk means to decode all of it, into memory of its own: the second use pays for that.
      const again = this.#cache.touch(key);
      return keep && again;
    });
    const inWorkers = AHEAD * workers.length;
    const waiting = Math.max(1, Math.min(batches.length, this.#store.concurrency) - inWorkers);
    await runLanes(batches, workers, this.#store.sync === undefined ? waiting : 1, signal, {
      fetch: ({ needs }, signal) => this.#fetcher.fetch(needs, signal),
      decode: async (row, found, worker, signal) => {
        await this.#decoder.decode(row, found, worker, reading, signal);
        reading.done(row.needs.length);
      },
    });
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
        const { coordinates, key, spans } = needs[next++]!;
        const chunk = await source(coordinates, key, reading.signal);
        if (chunk === undefined) {
          scatterFill(spans, reading);
        } else {
          const origin = coordinates.map((at, axis) => at * this.spec.chunkShape[axis]!);
          scatter({ bytes: chunk.bytes, origin, strides: chunk.strides }, spans, reading);
        }
        reading.done(1);
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#store.concurrency, needs.length) }, lane));
    reading.signal?.throwIfAborted();
  }
}
