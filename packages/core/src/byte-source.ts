import { hasMembers } from "./structure.js";

/** Half-open range of bytes, `[offset, offset + length)`. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** Options of one read from a `ByteSource`. */
export interface ByteReadOptions {
  /** Aborts this read alone; it rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Read into this memory (at least `length` bytes) instead of fresh memory. */
  readonly into?: Uint8Array | undefined;
}

/**
 * Random access to bytes: a file, a Blob, a URL, a gzip stream inside any of them.
 *
 * A source is safe to read concurrently. What `read` returns belongs to the caller.
 */
export interface ByteSource {
  /** The name that tells the format: a file name or the last segment of a URL, without query or fragment. */
  readonly name?: string | undefined;
  /**
   * Ranges closer together than this many bytes are cheaper to read as one: about latency times throughput.
   * A planner merges them; layers need not.
   */
  readonly gap: number;
  /** Total size in bytes, or `null` where only reading everything would tell (inside gzip). May do I/O once. */
  size(options?: { signal?: AbortSignal | undefined }): Promise<number | null>;
  /**
   * Reads `length` bytes from `offset`; fewer only where the source ends before (an empty array at or past its end).
   * The result is `options.into`'s beginning when that was given.
   */
  read(offset: number, length: number, options?: ByteReadOptions): Promise<Uint8Array>;
  /**
   * Streams `[offset, offset + length)` in order, for spans too large to hold. Stops early where the source ends.
   * A piece is the consumer's to read, not to keep, until it asks for the next one. `length` may be `Infinity`.
   */
  stream(
    offset: number,
    length: number,
    options?: { signal?: AbortSignal | undefined },
  ): AsyncIterable<Uint8Array>;
  /**
   * Identifies the content at no cost beyond `size()`: an ETag, or size and modification time; `null` where nothing is known.
   * Two sources with the same version hold the same bytes.
   */
  version?(options?: { signal?: AbortSignal | undefined }): Promise<string | null>;
  /** When the content was last modified, in milliseconds since 1970, at no cost beyond `size()`; `null` where nothing tells. */
  modified?(options?: { signal?: AbortSignal | undefined }): Promise<number | null>;
  /** What reading this range would cost underneath, without I/O; a source that reads just what it is asked leaves it out. */
  cost?(
    offset: number,
    length: number,
  ): { readonly bytes: number; readonly requests: number; readonly peakBytes: number };
  /** Releases what the source holds. Reads after it reject with `ERR_CLOSED`. */
  close?(): Promise<void>;
}

/** Whether `value` has the shape of a `ByteSource`. */
export function isByteSource(value: unknown): value is ByteSource {
  return hasMembers(value, "function", "read", "stream", "size") && hasMembers(value, "number", "gap");
}
