import { type ByteReadOptions, type ByteSource, LazyImageError } from "@lazyimg/core";
import { abortable } from "@lazyimg/core/abort";
import { checkRange, checkSpan, closedError, copyOf } from "./range.js";

/** What a stream reads at once, and one more ahead. */
const PIECE = 1 << 20;

/**
 * A `Blob` or `File`, read by slices: a dropped file of many gigabytes is never loaded whole.
 *
 * @param blob what to read from
 * @param options `name`: the file name that tells the format; a `File` has its own
 * @returns a source whose reads throw `ERR_CHANGED` where the file on disk is no longer the one that was chosen,
 *   `ERR_NOT_FOUND` where it is gone, `ERR_IO` where it cannot be read, and `ERR_CLOSED` after `close`
 */
export function blobSource(blob: Blob, options: { name?: string | undefined } = {}): ByteSource {
  const file = blob as Blob & { name?: unknown; lastModified?: unknown };
  const name = options.name ?? (typeof file.name === "string" ? file.name : undefined);
  let closed = false;

  function check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (closed) throw closedError(name);
  }

  async function load(start: number, end: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    try {
      return new Uint8Array(await abortable(blob.slice(start, end).arrayBuffer(), signal));
    } catch (cause) {
      signal?.throwIfAborted();
      throw explain(cause);
    }
  }

  function explain(cause: unknown): LazyImageError {
    const reason = cause instanceof Error ? cause.name : "";
    const [code, what] =
      reason === "NotFoundError"
        ? ["ERR_NOT_FOUND", "is gone"]
        : reason === "NotReadableError"
          ? ["ERR_CHANGED", "changed or became unreadable since it was chosen"]
          : ["ERR_IO", `cannot be read (${String(cause)})`];
    return new LazyImageError(code, `${name ?? "The Blob"} ${what}: choose it again`, { cause });
  }

  return {
    name,
    gap: 64 * 1024, // a slice goes through another process in a browser: some 100 µs
    async size({ signal } = {}) {
      check(signal);
      return blob.size;
    },
    async read(offset: number, length: number, { signal, into }: ByteReadOptions = {}) {
      check(signal);
      checkRange(offset, length, into);
      const bytes = await load(offset, offset + length, signal);
      return into === undefined ? bytes : copyOf(bytes, into);
    },
    async *stream(offset, length, { signal } = {}) {
      check(signal);
      const end = Math.min(checkSpan(offset, length), blob.size);
      let next = offset < end ? load(offset, Math.min(offset + PIECE, end), signal) : undefined;
      for (let start = offset + PIECE; next !== undefined; start += PIECE) {
        const piece: Uint8Array = await next;
        next = start < end ? load(start, Math.min(start + PIECE, end), signal) : undefined;
        next?.catch(() => {}); // the consumer may stop before it asks for this one
        yield piece;
        check(signal);
      }
    },
    async version({ signal } = {}) {
      check(signal);
      return typeof file.lastModified === "number" ? `${name}:${blob.size}:${file.lastModified}` : null;
    },
    async modified({ signal } = {}) {
      check(signal);
      return typeof file.lastModified === "number" ? file.lastModified : null;
    },
    async close() {
      closed = true;
    },
  };
}
