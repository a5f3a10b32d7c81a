import type { ByteRange, ByteReadOptions, ByteSource } from "@lazyimg/core";
import { memorySource } from "./memory-source.js";

/** Holds reads up, to look at what happens while they wait. */
export interface Hold {
  /** Resolves when a read waits. */
  readonly reached: Promise<void>;
  /** Lets every read go on. */
  readonly release: () => void;
}

/** A `ByteSource` that counts what is read from the one inside it. */
export interface CountingSource extends ByteSource {
  /** Bytes delivered since the beginning or the last `reset()`. */
  readonly bytes: number;
  /** Calls of `read` and `stream` since then. */
  readonly requests: number;
  /** The ranges that they asked for, in order. */
  readonly ranges: readonly ByteRange[];
  /** Whether it was closed. */
  readonly closed: boolean;
  /** Begins to count from zero. */
  reset(): void;
  /** Holds up every read and stream from now on until `release()`; an aborted one rejects with its reason. */
  hold(): Hold;
}

/**
 * Counts the bytes and requests that a backend needs, and can hold them up.
 *
 * @param inner the source to count, or a whole file in memory
 */
export function countingSource(inner: ByteSource | Uint8Array): CountingSource {
  const source = inner instanceof Uint8Array ? memorySource(inner) : inner;
  let bytes = 0;
  let ranges: ByteRange[] = [];
  let closed = false;
  let gate: ((signal: AbortSignal | undefined) => Promise<void>) | undefined;

  async function arrive(offset: number, length: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    ranges.push({ offset, length });
    await gate?.(signal);
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
    hold() {
      let touch = (): void => {};
      let open = (): void => {};
      const reached = new Promise<void>((resolve) => {
        touch = resolve;
      });
      const opened = new Promise<void>((resolve) => {
        open = resolve;
      });
      const aborts = new Map<AbortSignal, Promise<never>>();
      const mine = (signal: AbortSignal | undefined): Promise<void> => {
        touch();
        if (signal === undefined) return opened;
        const aborted = aborts.get(signal) ?? rejectionOf(signal);
        aborts.set(signal, aborted);
        return Promise.race([opened, aborted]);
      };
      gate = mine;
      const release = () => {
        if (gate === mine) gate = undefined;
        open();
      };
      return { reached, release };
    },
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

/** Rejects when the signal aborts. One listener serves any number of reads, of which Node warns beyond ten. */
function rejectionOf(signal: AbortSignal): Promise<never> {
  const promise = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  // Nobody may be waiting any more.
  promise.catch(() => undefined);
  return promise;
}
