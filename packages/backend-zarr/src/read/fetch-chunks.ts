import type { SharedWork } from "@lazyimg/core/abort";
import type { Store } from "../store/store.js";
import type { ChunkCache } from "./cache.js";
import { joinWork } from "./join-work.js";
import type { Need } from "./needs.js";
import type { ShardReader } from "./shards.js";

/** No chunk is longer, encoded, than twice what it is decoded and this. */
const OVERHEAD = 1 << 16;

/** Encoded chunks of one array: from the cache, out of shards, or as objects that several reads may wait for. */
export class ChunkFetcher {
  readonly #store: Store;
  readonly #shards: ShardReader | undefined;
  readonly #cache: ChunkCache;
  readonly #most: number;
  readonly #running = new Map<string, SharedWork<Uint8Array | undefined>>();

  /** @param chunkBytes of a decoded chunk */
  constructor(store: Store, shards: ShardReader | undefined, cache: ChunkCache, chunkBytes: number) {
    this.#store = store;
    this.#shards = shards;
    this.#cache = cache;
    this.#most = 2 * chunkBytes + OVERHEAD;
  }

  /**
   * Chunks by key; those that are not there are left out. `undefined` where whoever decodes them reads the files.
   *
   * @param needs of one shard, where there are shards
   */
  async fetch(
    needs: readonly Need[],
    signal: AbortSignal | undefined,
  ): Promise<Map<string, Uint8Array> | undefined> {
    const found = new Map<string, Uint8Array>();
    const missing = needs.filter(({ key }) => {
      const kept = this.#cache.get(key);
      // Another read may have decoded it since this one began: that is not what a decoder takes.
      if (kept?.decoded !== false) return true;
      found.set(key, kept.bytes);
      return false;
    });
    if (this.#shards !== undefined) {
      if (missing.length === 0) return found;
      const read = await this.#shards.read(needs[0]!.object, missing, { signal });
      for (const [key, bytes] of read) this.#keep(key, bytes, found);
      return found;
    }
    if (this.#store.sync !== undefined) return undefined;
    await Promise.all(
      missing.map(async ({ key, object }) => {
        const bytes = await joinWork(
          this.#running,
          object,
          (shared) => this.#store.get(object, { signal: shared, most: this.#most }),
          signal,
        );
        if (bytes !== undefined) this.#keep(key, bytes, found);
      }),
    );
    return found;
  }

  #keep(key: string, bytes: Uint8Array, found: Map<string, Uint8Array>): void {
    // A view of a merged range would keep all of it alive, and take it along to a worker.
    const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
    found.set(key, own);
    if (this.#cache.limit > 0) this.#cache.set(key, { decoded: false, bytes: own });
  }
}
