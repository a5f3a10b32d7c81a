import type { ByteReadOptions, ByteSource } from "@lazyimg/core";
import { SharedWork } from "@lazyimg/core/abort";
import { over } from "./layer.js";
import { checkRange, closedError, memoryFor } from "./range.js";

/** Reads of more blocks than this go past the cache: they would only push everything else out. */
const FEW = 4;

/** Options of `cached`. */
export interface CacheOptions {
  /** Bytes of a block, which is loaded and dropped as one (64 KiB). */
  readonly blockSize?: number | undefined;
  /** Most bytes to keep (16 MiB). */
  readonly maxBytes?: number | undefined;
}

/**
 * Keeps the blocks that were read last, up to a bound. Readers of the same block share one load, which is aborted when
 * the last of them leaves. Larger reads and streams go past it.
 *
 * For sources where many small reads fall close together and each costs a request. Files on disk need none: the
 * operating system has one.
 *
 * @param source what to read from; closed with this one
 */
export function cached(source: ByteSource, options: CacheOptions = {}): ByteSource {
  const { blockSize = 64 * 1024, maxBytes = 16 << 20 } = options;
  const mostBlocks = Math.max(1, Math.floor(maxBytes / blockSize));
  /** Blocks by number, the least recently used first. */
  const blocks = new Map<number, Uint8Array>();
  const loads = new Map<number, { readonly first: number; readonly work: SharedWork<Uint8Array> }>();
  let closed = false;

  function keep(number: number, block: Uint8Array): void {
    blocks.delete(number);
    blocks.set(number, block);
    if (blocks.size <= mostBlocks) return;
    for (const oldest of blocks.keys()) {
      blocks.delete(oldest);
      return;
    }
  }

  /** Loads the blocks `[first, last]` in one read. */
  function load(first: number, last: number): void {
    const work = new SharedWork(async (signal) => {
      try {
        const run = await source.read(first * blockSize, (last + 1 - first) * blockSize, { signal });
        for (let number = first; number <= last && !closed; number++) {
          const start = (number - first) * blockSize;
          // Memory of its own: a view would keep the whole run alive.
          keep(number, first === last ? run : run.slice(start, start + blockSize));
        }
        return run;
      } finally {
        for (let number = first; number <= last; number++) {
          if (loads.get(number)?.work === work) loads.delete(number);
        }
      }
    });
    for (let number = first; number <= last; number++) loads.set(number, { first, work });
  }

  return over(source, {
    async read(offset: number, length: number, { signal, into }: ByteReadOptions = {}) {
      if (closed) throw closedError(source.name);
      signal?.throwIfAborted();
      checkRange(offset, length, into);
      const first = Math.floor(offset / blockSize);
      const last = Math.floor((offset + length - 1) / blockSize);
      if (last - first >= FEW) return source.read(offset, length, { signal, into });

      // Ask for everything that is missing before waiting for any of it.
      const parts: (Uint8Array | Promise<Uint8Array>)[] = [];
      for (let number = first; number <= last; number++) {
        const block = blocks.get(number);
        if (block !== undefined) {
          keep(number, block);
          parts.push(block);
          continue;
        }
        let loading = loads.get(number);
        if (loading === undefined || loading.work.abandoned) {
          let end = number;
          while (end < last && !blocks.has(end + 1) && !loads.has(end + 1)) end++;
          load(number, end);
          loading = loads.get(number) as NonNullable<typeof loading>;
        }
        const start = (number - loading.first) * blockSize;
        parts.push(loading.work.join(signal).then((run) => run.subarray(start, start + blockSize)));
      }
      const found = await Promise.all(parts);
      const from = offset - first * blockSize;
      const held = found.reduce((sum, part) => sum + part.length, 0);
      const target = memoryFor(Math.max(0, Math.min(length, held - from)), into);
      let position = -from;
      for (const part of found) {
        const piece = part.subarray(Math.max(0, -position), Math.max(0, target.length - position));
        target.set(piece, Math.max(0, position));
        position += part.length;
      }
      return target;
    },
    cost(offset, length) {
      const first = Math.floor(offset / blockSize);
      const last = Math.floor((offset + length - 1) / blockSize);
      const past = last - first >= FEW;
      const start = past ? offset : first * blockSize;
      const bytes = past ? length : (last + 1 - first) * blockSize;
      return source.cost?.(start, bytes) ?? { bytes, requests: 1, peakBytes: past ? bytes : bytes + length };
    },
    async close() {
      closed = true;
      blocks.clear();
      await source.close?.();
    },
  });
}
