import { LazyImageError } from "@lazyimg/core";
import { remoteOf, type TransportRequest } from "./transport.js";

/** Options of one request. */
export interface RemoteOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Options of writing an object. */
export interface PutOptions extends RemoteOptions {
  /** Refuse to replace one that is there (`ERR_EXISTS`), where the store can tell. */
  readonly ifAbsent?: boolean | undefined;
}

/** Options of writing an object whose bytes come one after the other. */
export interface UploadOptions extends PutOptions {
  /** No more bytes than these will come: a store that takes a bounded number of parts needs larger ones for more. */
  readonly mostBytes?: number | undefined;
}

/**
 * Writes the object that a URL names (key `""`) and those beneath it (`zarr.json` is `URL/zarr.json`).
 *
 * Nothing is seen under its name before it is complete, and what fails leaves what was there. Requests that may pass
 * (dropped connections, 408, 429, SlowDown, 5xx) are repeated as those of reading are. All methods reject with
 * `signal.reason` when aborted, and with `ERR_HTTP` for refusals, with the store's own code in the message.
 */
export interface RemoteWriter {
  /** Where it is, for messages: no secrets. */
  readonly name: string;
  /** A whole object; `undefined` where there is none. */
  get(key: string, options?: RemoteOptions): Promise<Uint8Array | undefined>;
  /** Writes an object in one go. */
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<void>;
  /** Writes an object as its bytes come, in parts where there are many. What fails is cleared away. */
  upload(key: string, pieces: AsyncIterable<Uint8Array>, options?: UploadOptions): Promise<void>;
  /** Removes an object, if it is there. */
  delete(key: string, options?: RemoteOptions): Promise<void>;
  /** The keys of all objects beneath the URL, page by page. */
  list(options?: RemoteOptions): AsyncIterable<readonly string[]>;
}

/**
 * What writes to a URL, by the transport of its scheme.
 *
 * @returns `null` for the path of a file and for `file:`
 * @throws LazyImageError `ERR_UNSUPPORTED` for http(s): URLs, for a transport that only reads, and for a scheme that has
 * none
 */
export async function remoteWriter(path: string, request: TransportRequest): Promise<RemoteWriter | null> {
  const remote = remoteOf(path, request);
  if (remote === null) return null;
  if (remote.writer !== undefined) return remote.writer();
  const shown = path.replace(/[?#].*/s, "");
  throw new LazyImageError(
    "ERR_UNSUPPORTED",
    /^https?:/i.test(path)
      ? `Nothing is written to ${shown}: servers take no files by http(s); write to s3:, gs: or az: with their transport, or to a path`
      : `The transport of ${shown} only reads; write to a path, and copy that`,
  );
}
