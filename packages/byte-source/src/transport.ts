import { LazyImageError } from "@lazyimg/core";
import type { RemoteWriter } from "./remote-writer.js";

/** Who asks for a URL, and with what. */
export interface TransportRequest {
  /** The caller's own `fetch`, which then answers for credentials. */
  readonly fetch?: typeof fetch | undefined;
  readonly readerOptions?: Readonly<Record<string, unknown>> | undefined;
}

/** Where something is on HTTP(S). */
export interface Remote {
  /** An http(s) URL, of one object or of a folder of them. */
  readonly url: string;
  /** Makes the requests for it, and for what lies in it; the platform's own where it is left out. */
  readonly fetch?: typeof fetch | undefined;
  /** What writes it, and what lies in it; left out where it can only be read. */
  readonly writer?: (() => Promise<RemoteWriter>) | undefined;
}

/** Finds what a URL of an object store names. No I/O: what takes time is for `fetch`. */
export type Transport = (url: string, request: TransportRequest) => Remote;

/** One registry per process, even when two copies of this package end up in one tree. */
const KEY = Symbol.for("@lazyimg/byte-source/transports/1");
const holder = globalThis as { [KEY]?: Map<string, Transport> };

function transports(): Map<string, Transport> {
  holder[KEY] ??= new Map();
  return holder[KEY];
}

/**
 * Makes URLs of a scheme work wherever http(s) URLs do; the one that the scheme had is replaced.
 *
 * @param scheme without its colon, such as `s3`
 */
export function registerTransport(scheme: string, transport: Transport): void {
  transports().set(scheme.toLowerCase(), transport);
}

/** Forgets the transport of a scheme. @returns whether there was one */
export function unregisterTransport(scheme: string): boolean {
  return transports().delete(scheme.toLowerCase());
}

/** The schemes that have a transport, in the order of registration. */
export function listTransports(): string[] {
  return [...transports().keys()];
}

/**
 * Where a path is on HTTP(S): an http(s) URL as it is, another one by the transport of its scheme.
 *
 * @returns `null` for the path of a file and for `file:`
 * @throws LazyImageError `ERR_UNSUPPORTED` for a scheme that has no transport, and what the transport throws
 */
export function remoteOf(path: string, request: TransportRequest): Remote | null {
  const scheme = /^(?!file:)(https?(?=:)|[a-z][\w+.-]+(?=:\/\/))/i.exec(path)?.[0].toLowerCase();
  if (scheme === undefined) return null;
  if (/^https?$/.test(scheme)) return { url: path, fetch: request.fetch };
  const transport = holder[KEY]?.get(scheme);
  if (transport !== undefined) return transport(path, request);
  throw new LazyImageError(
    "ERR_UNSUPPORTED",
    `${scheme}: URLs need a transport: @lazyimg/transport-s3, -gcs (gs:) or -azure (az:, abfs:); or pass an https: URL, a path or a byteSource`,
  );
}
