import { LazyImageError } from "@lazyimg/core";
import type { SharedWork } from "@lazyimg/core/abort";
import type { ArraySpec } from "../meta/array-spec.js";
import type { GetOptions, Store } from "../store/store.js";
import { chunkError, withoutChecksum } from "./decode-chunk.js";
import { joinWork } from "./join-work.js";

/** Where the chunks of one shard lie in it; `null` where there is no such shard. */
type ShardIndex = BigUint64Array | null;

/** Indices of shards that are kept. */
const KEPT = 512;
/** Ranges are merged up to this many bytes: more would hold too much at once. */
const MAX_MERGED = 16 << 20;
/** Both numbers of a chunk that is not there (sharding_indexed 1.0, "Binary shard format"). */
const EMPTY = 0xffff_ffff_ffff_ffffn;

/** One chunk in a shard. */
interface Place {
  readonly key: string;
  readonly offset: number;
  readonly length: number;
}

/** Reads chunks out of shards (Zarr v3, sharding_indexed 1.0). */
export class ShardReader {
  readonly #store: Store;
  readonly #spec: ArraySpec;
  /** Chunks of a shard along each axis. */
  readonly grid: readonly number[];
  /** Of each shard's index. */
  readonly indexBytes: number;
  readonly #indices = new Map<string, ShardIndex>();
  readonly #loading = new Map<string, SharedWork<ShardIndex>>();

  constructor(store: Store, spec: ArraySpec) {
    this.#store = store;
    this.#spec = spec;
    const { shape, indexChecked } = spec.sharding!;
    this.grid = shape.map((size, axis) => size / spec.chunkShape[axis]!);
    this.indexBytes = 16 * this.grid.reduce((a, b) => a * b, 1) + (indexChecked ? 4 : 0);
  }

  /** Coordinates of the shard that a chunk is in. */
  shardOf(chunk: readonly number[]): number[] {
    return chunk.map((position, axis) => Math.floor(position / this.grid[axis]!));
  }

  /** Whether the index of a shard is known, so that reading its chunks needs no other request. */
  knows(shardKey: string): boolean {
    return this.#indices.has(shardKey);
  }

  /**
   * Chunks of one shard, by their keys; those that are not there are left out. Ranges that lie close together are read
   * at once.
   *
   * @param chunks keys and coordinates in the array's chunk grid
   * @throws LazyImageError `ERR_CORRUPT`, `ERR_CHECKSUM`, `ERR_TRUNCATED`, and what the store throws
   */
  async read(
    shardKey: string,
    chunks: readonly { readonly key: string; readonly coordinates: readonly number[] }[],
    { signal }: GetOptions,
  ): Promise<Map<string, Uint8Array>> {
    const index = await this.#index(shardKey, signal);
    const found = new Map<string, Uint8Array>();
    if (index === null) return found;
    const places: Place[] = [];
    for (const { key, coordinates } of chunks) {
      const n = coordinates.reduce((sum, at, axis) => sum * this.grid[axis]! + (at % this.grid[axis]!), 0);
      const [offset, length] = [index[2 * n]!, index[2 * n + 1]!];
      if (offset === EMPTY && length === EMPTY) continue;
      if (offset + length > BigInt(Number.MAX_SAFE_INTEGER) || length > 2n ** 31n) {
        throw new LazyImageError(
          "ERR_CORRUPT",
          `Zarr shard ${shardKey}: its index puts ${key} at ${offset}, ${length} bytes`,
        );
      }
      places.push({ key, offset: Number(offset), length: Number(length) });
    }
    await Promise.all(
      this.#merge(places).map(async (group) => {
        const start = group[0]!.offset;
        const end = Math.max(...group.map(({ offset, length }) => offset + length));
        const bytes = await this.#store.getRange(
          shardKey,
          { offset: start, length: end - start },
          { signal },
        );
        for (const { key, offset, length } of group) {
          const part = bytes?.subarray(offset - start, offset - start + length);
          if (part?.length !== length) {
            throw new LazyImageError(
              "ERR_TRUNCATED",
              `Zarr shard ${shardKey} ends before chunk ${key}: bytes ${offset} to ${offset + length} were expected`,
            );
          }
          found.set(key, part);
        }
      }),
    );
    return found;
  }

  #merge(places: Place[]): Place[][] {
    places.sort((a, b) => a.offset - b.offset);
    const groups: Place[][] = [];
    let end = 0;
    for (const place of places) {
      const group = groups.at(-1);
      const placeEnd = place.offset + place.length;
      if (group && place.offset <= end + this.#store.gap && placeEnd - group[0]!.offset <= MAX_MERGED) {
        group.push(place);
        end = Math.max(end, placeEnd);
      } else {
        groups.push([place]);
        end = placeEnd;
      }
    }
    return groups;
  }

  async #index(shardKey: string, signal: AbortSignal | undefined): Promise<ShardIndex> {
    const known = this.#indices.get(shardKey);
    if (known !== undefined) return known;
    const index = await joinWork(this.#loading, shardKey, (shared) => this.#load(shardKey, shared), signal);
    this.#indices.set(shardKey, index);
    if (this.#indices.size > KEPT) this.#indices.delete(this.#indices.keys().next().value!);
    return index;
  }

  async #load(shardKey: string, signal: AbortSignal): Promise<ShardIndex> {
    const { indexAtEnd, indexChecked } = this.#spec.sharding!;
    const length = this.indexBytes;
    const range = indexAtEnd ? { suffixLength: length } : { offset: 0, length };
    const bytes = await this.#store.getRange(shardKey, range, { signal });
    if (bytes === undefined) return null;
    if (bytes.length !== length) {
      throw new LazyImageError(
        "ERR_TRUNCATED",
        `Zarr shard ${shardKey} has ${bytes.length} bytes; its index alone has ${length}`,
      );
    }
    try {
      const data = indexChecked ? withoutChecksum(bytes) : bytes;
      const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
      return BigUint64Array.from({ length: data.byteLength >> 3 }, (_, n) => view.getBigUint64(8 * n, true));
    } catch (error) {
      throw chunkError(`${shardKey} (its index)`, error);
    }
  }
}
