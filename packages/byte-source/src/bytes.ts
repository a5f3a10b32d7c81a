import type { ByteReadOptions, ByteSource } from "@lazyimg/core";
import { checkRange, checkSpan, closedError, copyOf } from "./range.js";

const PIECE = 1 << 20;

/**
 * Bytes that are in memory already. `read` copies, so that the result is the caller's; `stream` gives views.
 *
 * @param bytes what to read from; not copied, and not to be changed while it is read
 * @param options `name`: the file name that tells the format
 * @returns a source whose reads throw `ERR_INVALID_ARGUMENT` for a malformed range and `ERR_CLOSED` after `close`
 */
export function bytesSource(bytes: Uint8Array, options: { name?: string | undefined } = {}): ByteSource {
  // A Buffer's slice() is a view: only a plain Uint8Array's copies.
  let held: Uint8Array | null = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { name } = options;

  function open(signal: AbortSignal | undefined): Uint8Array {
    signal?.throwIfAborted();
    if (held === null) throw closedError(name);
    return held;
  }

  return {
    name,
    gap: 4096, // a copy of some kB costs what a promise costs
    async size({ signal } = {}) {
      return open(signal).length;
    },
    async read(offset: number, length: number, { signal, into }: ByteReadOptions = {}) {
      const all = open(signal);
      checkRange(offset, length, into);
      return copyOf(all.subarray(offset, offset + length), into);
    },
    async *stream(offset, length, { signal } = {}) {
      const end = Math.min(checkSpan(offset, length), open(signal).length);
      for (let start = offset; start < end; start += PIECE) {
        yield open(signal).subarray(start, Math.min(start + PIECE, end));
      }
    },
    async close() {
      held = null;
    },
  };
}
