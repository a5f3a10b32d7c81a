import { type HttpSourceOptions, httpSource } from "@lazyimg/byte-source";
import { type ByteSource, isLazyImageError, LazyImageError } from "@lazyimg/core";
import type { GetOptions, Store, StoreRange } from "./store.js";

/** Objects read at a time, as many as `httpSource` makes requests: more than browsers grant a server wait on their own time. */
const CONCURRENCY = globalThis.location === undefined ? 16 : 6;
/** Objects whose size and ETag are remembered, for the ranges of shards. */
const REMEMBERED = 256;

/** The longest chunk that is decoded, and what a codec may add to it. */
const MOST = 2 ** 30 + 2 ** 26;

async function readAll(
  source: ByteSource,
  key: string,
  { signal, most = MOST }: GetOptions,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of source.stream(0, Number.POSITIVE_INFINITY, { signal })) {
    pieces.push(piece); // of an answer, so in memory of its own
    length += piece.length;
    if (length > most) {
      throw new LazyImageError(
        "ERR_LIMIT",
        `${key} is longer than ${most} bytes, which no object of its kind is; look at what the server sends.`,
      );
    }
  }
  if (pieces.length === 1) return pieces[0]!;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** 404 and 410 are a missing object, which Zarr takes for the fill value. */
async function orMissing(work: Promise<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isLazyImageError(error, "ERR_NOT_FOUND")) return undefined;
    throw error;
  }
}

/**
 * The objects below a URL, with byte-source's retries, abort and range checks. The query (a signature) is kept for each.
 *
 * @param url an http(s) URL
 * @param options for each object: `fetch` makes the requests (authorization, signing); see `httpSource`
 */
export function httpStore(url: string, options: HttpSourceOptions = {}): Store {
  const base = new URL(url, globalThis.location?.href);
  base.hash = "";
  base.pathname = base.pathname.replace(/\/+$/, "");
  const sources = new Map<string, ByteSource>();
  let closed = false;

  const sourceOf = (key: string): ByteSource => {
    if (closed)
      throw new LazyImageError("ERR_CLOSED", `${base.pathname} was closed before: open it again to read`);
    const object = new URL(base);
    object.pathname = `${base.pathname}/${key.split("/").map(encodeURIComponent).join("/")}`;
    return httpSource(object, options);
  };
  /** For ranges: the same source again, which knows the size. */
  const remembered = (key: string): ByteSource => {
    const source = sources.get(key) ?? sourceOf(key);
    sources.delete(key);
    sources.set(key, source);
    if (sources.size > REMEMBERED) sources.delete(sources.keys().next().value!);
    return source;
  };
  const part = async (
    key: string,
    range: StoreRange,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> => {
    const source = remembered(key);
    if (!("suffixLength" in range)) return source.read(range.offset, range.length, { signal });
    const size = await source.size({ signal });
    if (size === null) throw new LazyImageError("ERR_HTTP", `The server does not say how large ${key} is`);
    const length = Math.min(size, range.suffixLength);
    return source.read(size - length, length, { signal });
  };
  return {
    name: base.origin + base.pathname,
    gap: 128 * 1024,
    concurrency: options.concurrency ?? CONCURRENCY,
    get: (key, options = {}) => orMissing((async () => readAll(sourceOf(key), key, options))()),
    getRange: (key, range, { signal }: GetOptions = {}) => orMissing(part(key, range, signal)),
    async close() {
      closed = true;
      await Promise.all([...sources.values()].map((source) => source.close?.()));
      sources.clear();
    },
  };
}
