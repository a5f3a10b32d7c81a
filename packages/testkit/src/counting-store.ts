import type { Counter } from "./counter.js";
import { gate } from "./gate.js";

/** A part of an object: zarrita's `RangeQuery`. */
type StoreRange = { readonly offset: number; readonly length: number } | { readonly suffixLength: number };

interface GetOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What can be counted: zarrita's stores, or a `Map`. Keys begin with a slash. */
interface Countable {
  get(key: string, options?: GetOptions): unknown;
  getRange?(key: string, range: StoreRange, options?: GetOptions): unknown;
}

/** A Zarr store, as zarrita's, that counts what is read from the one inside it. */
export interface CountingStore extends Counter {
  get(key: string, options?: GetOptions): Promise<Uint8Array | undefined>;
  getRange(key: string, range: StoreRange, options?: GetOptions): Promise<Uint8Array | undefined>;
  /** The keys that were asked for since the beginning or the last `reset()`, in order. */
  readonly keys: readonly string[];
}

function cut(object: Uint8Array, range: StoreRange): Uint8Array {
  return "suffixLength" in range
    ? object.slice(Math.max(0, object.length - range.suffixLength))
    : object.slice(range.offset, range.offset + range.length);
}

/**
 * Counts the bytes and requests that a backend needs of a Zarr store, and can hold them up.
 *
 * @param inner a store, or a `Map` from keys with their leading slash to objects
 */
export function countingStore(inner: Countable): CountingStore {
  const { hold, pass } = gate();
  let bytes = 0;
  let keys: string[] = [];

  async function take(
    key: string,
    signal: AbortSignal | undefined,
    read: () => unknown,
  ): Promise<Uint8Array | undefined> {
    signal?.throwIfAborted();
    keys.push(key);
    await pass(signal);
    const result = (await read()) as Uint8Array | undefined;
    bytes += result?.length ?? 0;
    return result;
  }

  return {
    get bytes() {
      return bytes;
    },
    get requests() {
      return keys.length;
    },
    get keys() {
      return keys;
    },
    reset() {
      bytes = 0;
      keys = [];
    },
    hold,
    async size() {
      if (!(inner instanceof Map)) return null;
      return [...inner.values()].reduce((sum: number, { length }: Uint8Array) => sum + length, 0);
    },
    get: (key, options = {}) => take(key, options.signal, () => inner.get(key, options)),
    getRange: (key, range, options = {}) =>
      take(key, options.signal, async () => {
        if (inner.getRange !== undefined) return inner.getRange(key, range, options);
        const object = (await inner.get(key, options)) as Uint8Array | undefined;
        return object && cut(object, range);
      }),
  };
}
