import type { ByteRange, ByteReadOptions, ByteSource } from "@lazyimg/core";
import type { Counter } from "./counter.js";
import { gate } from "./gate.js";
import { memorySource } from "./memory-source.js";

/** A `ByteSource` that counts what is read from the one inside it: `requests` are calls of `read` and `stream`. */
export interface CountingSource extends ByteSource, Counter {
  size(options?: { signal?: AbortSignal | undefined }): Promise<number | null>;
  /** The ranges that were asked for since the beginning or the last `reset()`, in order. */
  readonly ranges: readonly ByteRange[];
  /** Whether it was closed. */
  readonly closed: boolean;
}

/**
 * Counts the bytes and requests that a backend needs, and can hold them up.
 *
 * @param inner the source to count, or a whole file in memory
 */
export function countingSource(inner: ByteSource | Uint8Array): CountingSource {
  const source = inner instanceof Uint8Array ? memorySource(inner) : inner;
  const { hold, pass } = gate();
  let bytes = 0;
  let ranges: ByteRange[] = [];
  let closed = false;

  async function arrive(offset: number, length: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    ranges.push({ offset, length });
    await pass(signal);
  }

  return {
    name: source.name,
    gap: source.gap,
    get bytes() {
      return bytes;
    },
    get requests() {
      return ranges.length;
    },
    get ranges() {
      return ranges;
    },
    get closed() {
      return closed;
    },
    reset() {
      bytes = 0;
      ranges = [];
    },
    hold,
    size: (options) => source.size(options),
    async read(offset: number, length: number, options: ByteReadOptions = {}) {
      await arrive(offset, length, options.signal);
      const result = await source.read(offset, length, options);
      bytes += result.length;
      return result;
    },
    async *stream(offset, length, options = {}) {
      await arrive(offset, length, options.signal);
      for await (const piece of source.stream(offset, length, options)) {
        // One that was begun before is held up as well.
        await pass(options.signal);
        bytes += piece.length;
        yield piece;
      }
    },
    ...(source.version && { version: (options) => source.version!(options) }),
    ...(source.modified && { modified: (options) => source.modified!(options) }),
    ...(source.cost && { cost: (offset, length) => source.cost!(offset, length) }),
    async close() {
      closed = true;
      await source.close?.();
    },
  };
}
