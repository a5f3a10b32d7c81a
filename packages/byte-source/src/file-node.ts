import { read, type Stats } from "node:fs";
import { resolve as absolute, basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ByteReadOptions, type ByteSource, isLazyImageError, LazyImageError } from "@lazyimg/core";
import { abortable } from "@lazyimg/core/abort";
import { changedError, explain, PooledFile } from "./fd-pool.js";
import { checkRange, checkSpan, memoryFor } from "./range.js";

/** One positional read; an abort waits for no more than this of each lane. */
const PIECE = 4 << 20;
/** How many pieces of a large read are on their way at a time: most of the time goes into the pages of fresh memory. */
const LANES = 8;
/** What a stream reads at once: with 1 MiB, Linux lets the threads that copy take turns on one processor, with 4 it does not. */
const STREAM_PIECE = 4 << 20;
/** The same of a stream to the end, which may be left anywhere. */
const OPEN_PIECE = 1 << 20;
/** Pieces that a stream reads ahead of the one that its consumer has: as many threads copy at once. */
const STREAM_AHEAD = 3;

/**
 * A file on disk (Node), read by position through a small pool of descriptors: any number of sources may be open,
 * and one that is never closed neither warns nor keeps the process alive.
 *
 * Nothing is opened before the first read. From then on the file must stay as it is: when it is replaced, truncated
 * or written to, reads throw `ERR_CHANGED`.
 *
 * @param path a file path, or a `file:` URL
 * @param options `name`: the file name that tells the format, where the path's own does not
 * @returns a source whose reads throw `ERR_NOT_FOUND`, `ERR_IO` (not permitted, too many open files, a broken disk),
 *   `ERR_UNSUPPORTED` (a directory, FIFO, socket or device), `ERR_CHANGED`, and `ERR_CLOSED` after `close`
 * @throws `ERR_INVALID_ARGUMENT` for a `file:` URL that names no local file
 */
export function fileSource(path: string | URL, options: { name?: string | undefined } = {}): ByteSource {
  const file = new PooledFile(localPath(path));
  const name = options.name ?? basename(file.path);

  async function stats(signal: AbortSignal | undefined): Promise<Stats> {
    signal?.throwIfAborted();
    return abortable(file.stats(), signal);
  }

  /** Fills `target`, which the file is known to reach; memory is written to until it settles. */
  function fill(target: Uint8Array, offset: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const taken = file.acquire();
    const start = (descriptor: number): Promise<Uint8Array> =>
      new Promise((resolve, reject) => {
        let lanes = Math.max(1, Math.min(LANES, Math.ceil(target.length / PIECE)));
        let position = 0;
        let failed = false;
        let failure: unknown;
        const end = (): void => {
          try {
            file.release(!failed);
          } catch (changed) {
            failed = true;
            failure = changed;
          }
          if (failed) reject(failure);
          else resolve(target);
        };
        const nextPiece = (): void => {
          if (signal?.aborted) {
            failed = true;
            failure = signal.reason;
          }
          if (!failed && position < target.length) {
            const from = position;
            position = Math.min(from + PIECE, target.length);
            readPiece(from, position);
          } else if (--lanes === 0) {
            end();
          }
        };
        const readPiece = (from: number, to: number): void => {
          // The callback form of `read` is the cheapest way into the thread pool.
          read(descriptor, target, from, to - from, offset + from, (error, count) => {
            if (error === null && count > 0 && from + count < to) return readPiece(from + count, to);
            if (error !== null || count === 0) {
              failed = true;
              failure = error === null ? changedError(file.path) : explain(error, file.path);
            }
            return nextPiece();
          });
        };
        for (let lane = lanes; lane > 0; lane--) nextPiece();
      });
    return typeof taken === "number" ? start(taken) : taken.then(start);
  }

  return {
    name,
    gap: 32 * 1024,
    async size({ signal } = {}) {
      return (await stats(signal)).size;
    },
    async version({ signal } = {}) {
      const { dev, ino, size, mtimeMs } = await stats(signal);
      return `${dev}:${ino}:${size}:${mtimeMs}`;
    },
    async modified({ signal } = {}) {
      return (await stats(signal)).mtimeMs;
    },
    async read(offset: number, length: number, { signal, into }: ByteReadOptions = {}) {
      checkRange(offset, length, into);
      const { size } = file.known ?? (await stats(signal));
      signal?.throwIfAborted();
      const count = Math.max(0, Math.min(length, size - offset));
      if (into === undefined) return abortable(fill(freshMemory(count), offset, signal), signal);
      // The caller's memory is written to while a read is in flight, so an abort waits for that one.
      return fill(memoryFor(count, into), offset, signal);
    },
    async *stream(offset, length, { signal } = {}) {
      const end = Math.min(checkSpan(offset, length), (await stats(signal)).size);
      if (offset >= end) return;
      const most = Math.min(length === Number.POSITIVE_INFINITY ? OPEN_PIECE : STREAM_PIECE, end - offset);
      const ring = Array.from({ length: Math.min(STREAM_AHEAD + 1, Math.ceil((end - offset) / most)) }, () =>
        freshMemory(most),
      );
      const load = (start: number): Promise<Uint8Array> => {
        const piece = ring[((start - offset) / most) % ring.length]!.subarray(0, Math.min(most, end - start));
        const loaded = fill(piece, start, signal).then(() => piece);
        loaded.catch(() => {}); // the consumer may stop before it asks for this one
        return loaded;
      };
      const ahead: Promise<Uint8Array>[] = [];
      let asked = offset;
      const readAhead = (): void => {
        for (; asked < end && ahead.length < STREAM_AHEAD; asked += most) ahead.push(load(asked));
      };
      readAhead();
      for (let next = ahead.shift(); next !== undefined; next = ahead.shift()) {
        const piece = await abortable(next, signal);
        // Into the memory of the piece before, which the consumer has left.
        readAhead();
        yield piece;
        signal?.throwIfAborted();
      }
    },
    async close() {
      file.close();
    },
  };
}

/** The file called `name` in the same folder as `path`, or `null` where there is none. */
export async function fileSibling(path: string | URL, name: string): Promise<ByteSource | null> {
  const source = fileSource(join(dirname(localPath(path)), name));
  try {
    await source.size();
    return source;
  } catch (error) {
    if (isLazyImageError(error, "ERR_NOT_FOUND")) return null;
    throw error;
  }
}

function localPath(path: string | URL): string {
  if (typeof path === "string" && !/^file:/i.test(path)) return absolute(path);
  try {
    return fileURLToPath(path);
  } catch (cause) {
    throw new LazyImageError("ERR_INVALID_ARGUMENT", `Not the URL of a local file: ${String(path)}`, {
      cause,
    });
  }
}

/** Memory that was not cleared: every byte of it is read into before anybody sees it. */
function freshMemory(length: number): Uint8Array {
  if (length > PIECE) return memoryFor(length, undefined);
  const buffer = Buffer.allocUnsafeSlow(length);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, length);
}
