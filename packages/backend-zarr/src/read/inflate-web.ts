import { LazyImageError } from "@lazyimg/core";

/** What a stream of deflate is wrapped in: RFC 1952, 1950, 1951. */
export type InflateFormat = "gzip" | "deflate" | "deflate-raw";

/**
 * Decompresses one object with the platform's streams.
 *
 * @param size bytes that are expected: more is an error before it is held
 * @throws LazyImageError `ERR_CORRUPT`
 */
export async function inflate(
  format: InflateFormat,
  bytes: Uint8Array,
  size: number,
  key: string,
): Promise<Uint8Array> {
  const result = new Uint8Array(size);
  let at = 0;
  try {
    const stream = new Blob([bytes as Uint8Array<ArrayBuffer>])
      .stream()
      .pipeThrough(new DecompressionStream(format));
    for await (const piece of pieces(stream)) {
      if (at + piece.length > size) throw new RangeError(`more than ${size} bytes`);
      result.set(piece, at);
      at += piece.length;
    }
  } catch (cause) {
    throw new LazyImageError("ERR_CORRUPT", `${key} is damaged: ${(cause as Error).message}`, { cause });
  }
  return result.subarray(0, at);
}

/** Compresses one object as gzip; the platform chooses the level. */
export async function gzip(bytes: Uint8Array, _level: number): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Not every browser can iterate over a stream. */
async function* pieces(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}
