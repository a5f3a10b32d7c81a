import { type ByteSource, LazyImageError } from "@lazyimg/core";

/** Bytes that a stream hands out at a time: little, so that whoever puts pieces together has some to put. */
const PIECE = 4096;

/** A source over bytes in memory, as plain as one can be. */
export function memorySource(bytes: Uint8Array): ByteSource {
  let closed = false;
  const check = (signal: AbortSignal | undefined): void => {
    signal?.throwIfAborted();
    if (closed) throw new LazyImageError("ERR_CLOSED", "This source was closed.");
  };
  return {
    gap: 0,
    async size() {
      return bytes.length;
    },
    async read(offset, length, { signal, into } = {}) {
      check(signal);
      const part = bytes.subarray(offset, offset + length);
      if (into === undefined) return part.slice();
      into.set(part);
      return into.subarray(0, part.length);
    },
    async *stream(offset, length, { signal } = {}) {
      const end = Math.min(offset + length, bytes.length);
      for (let at = offset; at < end; at += PIECE) {
        check(signal);
        yield bytes.slice(at, Math.min(at + PIECE, end));
      }
    },
    async close() {
      closed = true;
    },
  };
}
