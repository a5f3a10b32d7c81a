import { promisify } from "node:util";
import { gunzipSync, gzip as gzipAsync, inflateRawSync, inflateSync } from "node:zlib";
import { LazyImageError } from "@lazyimg/core";

/** What a stream of deflate is wrapped in: RFC 1952, 1950, 1951. */
export type InflateFormat = "gzip" | "deflate" | "deflate-raw";

const DECODERS = { gzip: gunzipSync, deflate: inflateSync, "deflate-raw": inflateRawSync };

/**
 * Decompresses one object at once.
 *
 * @param size bytes that are expected: more is an error before it is held
 * @throws LazyImageError `ERR_CORRUPT`
 */
export function inflate(
  format: InflateFormat,
  bytes: Uint8Array,
  size: number,
  key: string,
): Uint8Array | Promise<Uint8Array> {
  try {
    // The output in one piece: the default of 16 kB pieces takes half as long again. With a byte to spare, since zlib allocates
    // another piece when one is full.
    return DECODERS[format](bytes, { chunkSize: Math.max(64, size + 1), maxOutputLength: Math.max(1, size) });
  } catch (cause) {
    throw new LazyImageError("ERR_CORRUPT", `${key} is damaged: ${(cause as Error).message}`, { cause });
  }
}

const compress = promisify(gzipAsync);

/** Compresses one object as gzip (RFC 1952), on Node's thread pool. */
export function gzip(bytes: Uint8Array, level: number): Promise<Uint8Array> {
  // The caller uses the memory again before the pool has read it.
  return (compress as (data: Uint8Array, options: { level: number }) => Promise<Uint8Array>)(bytes.slice(), {
    level,
  });
}
