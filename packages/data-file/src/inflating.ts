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
import type { DataFile } from "./open-file.js";

/** How much older than its file an index may be: copying both may write them in either order. */
const TOLERANCE = 2000;
/** What a server is asked for to see whether there is an index: all of most. */
const AHEAD = 1 << 24;

/** `gzipSource`, or what takes its place. */
type OpenInflating = (
  file: ByteSource,
  options: GzipSourceOptions,
) => ByteSource & Partial<Pick<GzipSource, "index">>;

/** A reader option, which must be of a certain kind where it is given. */
function option<T>(
  { readerOptions }: BackendRequest,
  name: string,
  expected: string,
  isRight: (value: unknown) => boolean,
): T | undefined {
  const value = readerOptions[name];
  if (value === undefined || isRight(value)) return value as T | undefined;
  throw new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    `readerOptions.${name} is ${expected}, not ${String(value)}`,
  );
}

const isFunction = (value: unknown): boolean => typeof value === "function";

/**
 * A compressed file of a request, inflated, with the `readerOptions` about gzip:
 *
 * - `gzipIndex`: `false` for none, or where its index is (bytes, a `ByteSource`, a path or a URL); by default `NAME.gzidx`
 *   beside it
 * - `gzipCache`: an `IndexCache`, or `true` for the platform's own, to keep indexes between runs
 * - `onWarning`: told why an index was not used; `console.warn` by default
 * - `gzipSource`: inflates instead of it, as `workerGzipSource` of `@lazyimg/seekable-gzip/worker` does
 *
 * An index that is older than its file is refused, where both sources tell when they were modified.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` for one of these that is of the wrong kind
 */
export function inflating(request: BackendRequest, file: DataFile): ReturnType<OpenInflating> {
  const index = option<false | Uint8Array | ByteSource | string>(
    request,
    "gzipIndex",
    "false, bytes, a ByteSource, a path or a URL",
    (value) =>
      value === false || typeof value === "string" || value instanceof Uint8Array || isByteSource(value),
  );
  const cache = option<boolean | IndexCache>(request, "gzipCache", "true or an IndexCache", (value) => {
    const { get, set } = Object(value) as Partial<IndexCache>;
    return typeof value === "boolean" || (isFunction(get) && isFunction(set));
  });
  const onWarning = option<(message: string) => void>(request, "onWarning", "a function", isFunction);
  const open = option<OpenInflating>(request, "gzipSource", "a function", isFunction) ?? gzipSource;
  const { source, name, head } = file;
  return open(source, {
    head,
    onWarning,
    cache: cache === true ? defaultIndexCache() : cache || undefined,
    cacheKey: `${request.path ?? ""} ${name ?? source.name ?? ""}`,
    sidecar: sidecarOf(request, file, index),
  });
}

function sidecarOf(
  request: BackendRequest,
  file: DataFile,
  index: false | Uint8Array | ByteSource | string | undefined,
): GzipSourceOptions["sidecar"] {
  if (index === undefined) {
    const { name } = file;
    return name === undefined ? undefined : (signal) => openBeside(request, file, `${name}.gzidx`, signal);
  }
  if (typeof index !== "string") return index || undefined;
  const { fetch, readerOptions } = request;
  return async () => openSource({ path: index, fetch, readerOptions });
}

/** The index beside a file; `null` where there is none. */
async function openBeside(
  request: BackendRequest,
  file: DataFile,
  name: string,
  signal: AbortSignal | undefined,
): Promise<ByteSource | null> {
  const index = await openSibling(request, name, { signal, ahead: AHEAD }).catch((error: unknown) => {
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
  return index;
}
