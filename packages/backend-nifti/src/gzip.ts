import { openSibling, openSource } from "@lazyimg/byte-source";
import {
  type BackendRequest,
  type ByteSource,
  isByteSource,
  isLazyImageError,
  LazyImageError,
} from "@lazyimg/core";
import {
  defaultIndexCache,
  type GzipSource,
  type GzipSourceOptions,
  gzipSource,
  type IndexCache,
} from "@lazyimg/seekable-gzip";

/** How much older than its file an index may be: copying both may write them in either order. */
const TOLERANCE = 2000;
// Windows of 8192 checkpoints. A number that bounds an allocation, not one that a file reaches.
const MOST_BYTES = 1 << 28;

/** `readerOptions` about gzip, checked. */
interface GzipOptions {
  /** `false`: none is looked for; otherwise where it is, instead of beside the file. */
  readonly gzipIndex?: false | Uint8Array | ByteSource | string | undefined;
  readonly gzipCache?: IndexCache | undefined;
  readonly onWarning?: ((message: string) => void) | undefined;
  readonly open: OpenInflated;
}

/** `gzipSource`, or what takes its place. */
type OpenInflated = (
  file: ByteSource,
  options: GzipSourceOptions,
) => ByteSource & Partial<Pick<GzipSource, "index">>;

function optionsOf({ readerOptions }: BackendRequest): GzipOptions {
  const { gzipIndex, gzipCache, onWarning, gzipSource: open = gzipSource } = readerOptions;
  const known =
    gzipIndex === undefined ||
    gzipIndex === false ||
    typeof gzipIndex === "string" ||
    gzipIndex instanceof Uint8Array ||
    isByteSource(gzipIndex);
  if (!known) throw wrong("gzipIndex", "false, bytes, a ByteSource, a path or a URL", gzipIndex);
  const cache = gzipCache === true ? defaultIndexCache() : gzipCache === false ? undefined : gzipCache;
  if (cache !== undefined && !isIndexCache(cache))
    throw wrong("gzipCache", "true or an IndexCache", gzipCache);
  if (onWarning !== undefined && typeof onWarning !== "function")
    throw wrong("onWarning", "a function", onWarning);
  if (typeof open !== "function") throw wrong("gzipSource", "a function", open);
  return {
    gzipIndex,
    gzipCache: cache,
    onWarning: onWarning as GzipOptions["onWarning"],
    open: open as OpenInflated,
  };
}

function isIndexCache(value: unknown): value is IndexCache {
  const { get, set } = (value ?? {}) as Partial<Record<keyof IndexCache, unknown>>;
  return typeof get === "function" && typeof set === "function";
}

function wrong(name: string, expected: string, found: unknown): LazyImageError {
  return new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    `readerOptions.${name} is ${expected}, not ${String(found)}`,
  );
}

/** A gzipped file of an image. */
export interface GzippedFile {
  readonly source: ByteSource;
  readonly name: string | undefined;
  /** Whether it is the one that holds the voxels; what `gzipIndex` gives is about no other. */
  readonly voxels: boolean;
}

/**
 * Opens a gzipped file of a request for random access.
 *
 * @param head what has been read of its beginning, if anything
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` for a reader option about gzip that is of the wrong kind
 */
export function openGzip(
  request: BackendRequest,
  file: GzippedFile,
  head: Uint8Array | undefined,
): ReturnType<OpenInflated> {
  const options = optionsOf(request);
  return options.open(file.source, { ...sourceOptions(request, file, options), head });
}

/**
 * How to find the index of a gzipped file of a request: as `readerOptions` say, or else as `NAME.gzidx` beside it.
 *
 * - `gzipIndex`: `false` for none, or where it is: bytes, a `ByteSource`, a path or a URL
 * - `gzipCache`: an `IndexCache`, or `true` for the platform's own, to keep indexes between runs
 * - `onWarning`: told why an index was not used; `console.warn` by default
 * - `gzipSource`: inflates instead of it, as `workerGzipSource` of `@lazyimg/seekable-gzip/worker` does
 *
 * An index that is older than its file is refused, where both sources tell when they were modified.
 */
function sourceOptions(
  request: BackendRequest,
  file: GzippedFile,
  { gzipIndex, gzipCache, onWarning }: GzipOptions,
): GzipSourceOptions {
  const { name = "", voxels } = file;
  const shared: GzipSourceOptions = {
    onWarning,
    cache: gzipCache,
    // Both halves of a pair are opened for one path.
    cacheKey: `${request.path ?? ""} ${name}`,
  };
  if (gzipIndex === undefined) {
    return name === ""
      ? shared
      : { ...shared, sidecar: (signal) => readBeside(request, file, `${name}.gzidx`, signal) };
  }
  if (gzipIndex === false || !voxels) return shared;
  if (typeof gzipIndex !== "string") return { ...shared, sidecar: gzipIndex };
  const { fetch, readerOptions } = request;
  const sidecar = async (signal?: AbortSignal): Promise<Uint8Array> =>
    readWhole(openSource({ path: gzipIndex, fetch, readerOptions }), signal);
  return { ...shared, sidecar };
}

/** The index beside a file; `null` where there is none. */
async function readBeside(
  request: BackendRequest,
  file: GzippedFile,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | null> {
  const index = await openSibling(request, name, { signal }).catch((error: unknown) => {
    signal?.throwIfAborted();
    // Nobody asked for it, and a server may deny what it does not have (403).
    if (isLazyImageError(error, "ERR_HTTP")) return null;
    throw error;
  });
  if (index === null) return null;
  try {
    const changed = await file.source.modified?.({ signal });
    const made = await index.modified?.({ signal });
    if (changed != null && made != null && made + TOLERANCE < changed) {
      throw new LazyImageError(
        "ERR_CHANGED",
        `${name} is of ${new Date(made).toISOString()}, older than its file, which is of ${new Date(changed).toISOString()}. Make it again.`,
      );
    }
  } catch (error) {
    await index.close?.();
    throw error;
  }
  return readWhole(index, signal);
}

/** All of a source, which is closed. */
async function readWhole(source: ByteSource, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    const size = await source.size({ signal });
    if (size === null || size > MOST_BYTES) {
      throw new LazyImageError(
        "ERR_LIMIT",
        `A gzip index of ${size ?? "unknown"} bytes; at most ${MOST_BYTES} are read.`,
      );
    }
    return await source.read(0, size, { signal });
  } finally {
    await source.close?.();
  }
}
