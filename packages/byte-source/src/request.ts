import {
  type ByteReadOptions,
  type ByteSource,
  isLazyImageError,
  LazyImageError,
  requestName,
} from "@lazyimg/core";
import { SharedWork } from "@lazyimg/core/abort";
import { fileSibling, fileSource } from "#file";
import { blobSource } from "./blob.js";
import { bytesSource } from "./bytes.js";
import { type HttpSourceOptions, httpSource } from "./http.js";
import { over } from "./layer.js";
import { checkRange, closedError, copyOf } from "./range.js";
import { type Remote, remoteOf } from "./transport.js";

/** Where bytes come from: the fields of a backend request that this package reads. */
export interface SourceRequest {
  readonly path?: string | undefined;
  readonly blob?: Blob | undefined;
  readonly bytes?: Uint8Array | undefined;
  readonly byteSource?: ByteSource | undefined;
  readonly name?: string | undefined;
  readonly sibling?: ((name: string) => Promise<ByteSource | null>) | undefined;
  readonly fetch?: typeof fetch | undefined;
  /** Of these, `headers`, `concurrency`, `retries`, `timeout` and `maxBytes` go to `httpSource`. */
  readonly readerOptions?: Readonly<Record<string, unknown>> | undefined;
}

/** The most that `peek` gives, and what it reads. */
const PEEK = 4096;

const peeking = new WeakMap<SourceRequest, SharedWork<Uint8Array>>();
/** Sources that `peek` opened and nobody has asked for yet. */
const spare = new WeakMap<SourceRequest, ByteSource>();

/**
 * The byte source that a request describes. Nothing is read yet.
 *
 * The source is the caller's to close; closing it leaves a `byteSource` of the request open, which belongs to whoever
 * made it. What `peek` read of the same request is not read again.
 *
 * @throws `ERR_INVALID_ARGUMENT` where the request has no path, Blob, bytes or byte source, or a reader option has the
 *   wrong type, and `ERR_UNSUPPORTED` for a URL of another scheme than `http:`, `https:` and `file:` that has no transport
 */
export function openSource(request: SourceRequest): ByteSource {
  const source = spare.get(request);
  spare.delete(request);
  return source ?? open(request);
}

/**
 * The file called `name` beside the request's own: in the same folder, in the same place of a URL (with its query), or
 * what `request.sibling` finds; `null` where there is none. The result is the caller's to close.
 *
 * @param options `ahead`: how many bytes a server is asked for to see whether there is one (4096); they are not asked for again
 * @throws `ERR_INVALID_ARGUMENT` for a `name` that is not the name of a file, and whatever opening the file throws
 */
export async function openSibling(
  request: SourceRequest,
  name: string,
  { signal, ahead = PEEK }: { signal?: AbortSignal | undefined; ahead?: number | undefined } = {},
): Promise<ByteSource | null> {
  signal?.throwIfAborted();
  if (/^\.{0,2}$|[/\\\0]/.test(name)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `Not the name of a file beside another: ${JSON.stringify(name)}`,
    );
  }
  if (request.sibling !== undefined) return request.sibling(name);
  const { path } = request;
  if (path === undefined || hasOwnBytes(request)) return null;
  const remote = remoteOf(besides(path, name), request);
  if (remote === null) return fileSibling(path, name);
  try {
    const source = httpSource(remote.url, httpOptions(request, remote));
    return readAhead(source, await source.read(0, ahead, { signal }), ahead);
  } catch (error) {
    if (isLazyImageError(error, "ERR_NOT_FOUND")) return null;
    throw error;
  }
}

/**
 * The first bytes of what a request describes, for telling the format of what has no telling name: at most `length`,
 * which is 4096 or less, fewer where there are no more. They are read once for all who ask with the same request
 * object, and the source that was opened for it is the one that `openSource` gives next.
 *
 * @throws `ERR_INVALID_ARGUMENT` for a larger `length`, and whatever `openSource` and its reads throw
 */
export async function peek(
  request: SourceRequest,
  length: number,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Uint8Array> {
  signal?.throwIfAborted();
  checkRange(0, length);
  if (length > PEEK) {
    throw new LazyImageError("ERR_INVALID_ARGUMENT", `A peek is of ${PEEK} bytes at most, not ${length}`);
  }
  let work = peeking.get(request);
  if (work === undefined || work.abandoned) {
    work = new SharedWork(async (signal) => {
      try {
        const source = open(request);
        const head = await source.read(0, PEEK, { signal });
        spare.set(request, readAhead(source, head, PEEK));
        return head;
      } catch (error) {
        if (peeking.get(request) === work) peeking.delete(request); // the next one may have more luck
        throw error;
      }
    });
    peeking.set(request, work);
  }
  return (await work.join(signal)).slice(0, length);
}

function open(request: SourceRequest): ByteSource {
  const { path, blob, bytes, byteSource } = request;
  const name = requestName(request);
  if (byteSource !== undefined) return borrowed(byteSource, name);
  if (blob !== undefined) return blobSource(blob, { name });
  if (bytes !== undefined) return bytesSource(bytes, { name });
  if (path === undefined) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      "Nothing to read: a request needs a path, blob, bytes or byteSource",
    );
  }
  const remote = remoteOf(path, request);
  if (remote === null) return fileSource(path, { name });
  return httpSource(remote.url, { ...httpOptions(request, remote), name });
}

function hasOwnBytes({ byteSource, blob, bytes }: SourceRequest): boolean {
  return byteSource !== undefined || blob !== undefined || bytes !== undefined;
}

/** The path of the file called `name` beside another; of an http(s) URL the query stays, which may be a signature. */
function besides(path: string, name: string): string {
  if (!/^https?:/i.test(path)) return path.replace(/[^/]*$/, () => name);
  const url = new URL(path);
  url.pathname = url.pathname.replace(/[^/]*$/, () => encodeURIComponent(name));
  return url.href;
}

function httpOptions({ readerOptions = {} }: SourceRequest, { fetch }: Remote): HttpSourceOptions {
  const { headers, concurrency, retries, timeout, maxBytes } = readerOptions;
  return {
    fetch,
    headers: headers as HeadersInit | undefined,
    concurrency: count({ concurrency }, 1),
    retries: count({ retries }, 0),
    timeout: count({ timeout }, 1),
    maxBytes: count({ maxBytes }, 0),
  };
}

/** An option that is a number, if it is there. */
function count(option: Record<string, unknown>, least: number): number | undefined {
  for (const [name, value] of Object.entries(option)) {
    if (value === undefined || (typeof value === "number" && value >= least)) return value;
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `readerOptions.${name} is a number, ${least} or more, not ${String(value)}`,
    );
  }
  return undefined;
}

/** Somebody else's source: read like one of ours, never closed. */
function borrowed(source: ByteSource, name: string | undefined): ByteSource {
  let closed = false;
  const use = (): ByteSource => {
    if (closed) throw closedError(name);
    return source;
  };
  return over(source, {
    name,
    size: async (options) => use().size(options),
    read: async (offset, length, options) => use().read(offset, length, options),
    async *stream(offset, length, options) {
      yield* use().stream(offset, length, options);
    },
    async close() {
      closed = true;
    },
  });
}

/** A source of whose beginning `asked` bytes have been read already, or fewer where there are no more. */
function readAhead(source: ByteSource, head: Uint8Array, asked: number): ByteSource {
  const complete = head.length < asked;
  let closed = false;
  return over(source, {
    async read(offset: number, length: number, options: ByteReadOptions = {}) {
      if (closed || (offset + length > head.length && !complete)) return source.read(offset, length, options);
      options.signal?.throwIfAborted();
      checkRange(offset, length, options.into);
      return copyOf(head.subarray(offset, offset + length), options.into);
    },
    async close() {
      closed = true;
      await source.close?.();
    },
  });
}
