import { type Affine, createAffine } from "./affine.js";
import type { ImageDataBackend } from "./backend.js";
import { type ByteSource, isByteSource } from "./byte-source.js";
import { invalid } from "./errors.js";
import { hasMembers, nameOf } from "./structure.js";
import { isTensor, type Tensor } from "./tensor.js";
import { isZarrStore, type ZarrStore } from "./zarr-store.js";

/** A reader that can build a lazy backend for a request; needs `@lazyimg/reader-lazy`. */
export interface LazyReader {
  createBackend(
    request: BackendRequest,
    context?: { signal?: AbortSignal | undefined },
  ): ImageDataBackend | Promise<ImageDataBackend>;
}

/** A reader that loads the whole image at once. */
export type SimpleReader = (
  request: BackendRequest,
  context: { signal?: AbortSignal | undefined },
) => Promise<{ tensor: Tensor; affine: Affine }> | { tensor: Tensor; affine: Affine };

/** The parts of a request that its maker may give besides the source. */
export interface RequestOptions {
  /** Overrides the affine that the file states. */
  readonly affine?: ArrayLike<number> | ArrayLike<ArrayLike<number>> | undefined;
  /** Opens the source instead of a registered format. */
  readonly reader?: SimpleReader | LazyReader | undefined;
  /** Handed to the backend as they are. */
  readonly readerOptions?: Readonly<Record<string, unknown>> | undefined;
  /** The file name that tells the format, for a source without a path. */
  readonly name?: string | undefined;
  /** Finds the file of that name beside this one: the other half of a pair, a sidecar, detached data. */
  readonly sibling?: ((name: string) => Promise<ByteSource | null>) | undefined;
  /** Used for every HTTP request: authorization, signing. */
  readonly fetch?: typeof fetch | undefined;
}

/** Where an image comes from: a frozen value, made by `createRequest`. Exactly one source is set. */
export interface BackendRequest {
  /** A file path, or a URL. */
  readonly path?: string;
  /** URL of a remote Zarr group or array, without trailing slashes. */
  readonly remoteZarrUri?: string;
  /** Any zarrita store. */
  readonly zarrStore?: ZarrStore;
  /** A Blob or a dropped File. */
  readonly blob?: Blob;
  /** A whole file in memory. */
  readonly bytes?: Uint8Array;
  /** Anything that can be read by ranges. */
  readonly byteSource?: ByteSource;
  /** Voxels in memory. */
  readonly tensor?: Tensor;
  readonly name?: string;
  readonly sibling?: (name: string) => Promise<ByteSource | null>;
  readonly fetch?: typeof fetch;
  readonly affine?: Affine;
  readonly readerOptions: Readonly<Record<string, unknown>>;
  readonly reader?: SimpleReader | LazyReader;
  /**
   * The request as plain data, which `createRequest` takes back, in a Worker for instance.
   *
   * @throws LazyImageError `ERR_INVALID_ARGUMENT` when a part (a store, a Blob, a function) is not plain data.
   */
  toJSON(): RequestJSON;
}

/** A request as plain data. */
export interface RequestJSON {
  readonly path?: string;
  readonly remoteZarrUri?: string;
  readonly name?: string;
  readonly affine?: Affine;
  readonly readerOptions?: Readonly<Record<string, unknown>>;
}

/** Whatever a user holds that an image can come from. */
export type ImageSource =
  | string
  | URL
  | Blob
  | Uint8Array
  | ArrayBuffer
  | Tensor
  | ByteSource
  | ZarrStore
  | LazyReader
  | BackendRequest
  | RequestJSON;

const SOURCES = ["path", "remoteZarrUri", "zarrStore", "blob", "bytes", "byteSource", "tensor"] as const;
type SourceField = (typeof SOURCES)[number];
type Sources = { [K in SourceField]?: NonNullable<BackendRequest[K]> };

/** Whether `reader` builds lazy backends, rather than loading at once. */
export function isLazyReader(reader: unknown): reader is LazyReader {
  return hasMembers(reader, "function", "createBackend");
}

/** Whether `text` begins with a URL's scheme; a single letter is a Windows drive. */
function hasScheme(text: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(text);
}

const withoutQuery = (url: string) => url.replace(/[?#].*/s, "");

/** The last segment of a path or URL: no folders, no trailing slashes, and of a URL no query, fragment or escapes. */
function lastSegment(path: string): string {
  if (!hasScheme(path)) return /([^/\\]*)[/\\]*$/.exec(path)![1]!;
  const segment = /([^/]*)\/*$/.exec(withoutQuery(path))![1]!;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function fromLocation(location: string): Sources {
  const isRemote = hasScheme(location) && !/^file:/i.test(location);
  if (!isRemote || !/\.zarr$/i.test(lastSegment(location))) return { path: location };
  return { remoteZarrUri: location.replace(/^([^?#]*?)\/+(?=$|[?#])/, "$1") };
}

function fromSource(source: unknown): Sources {
  if (typeof source === "string" && source !== "") return fromLocation(source);
  if (source instanceof URL) return fromLocation(source.href);
  if (source instanceof Blob) return { blob: source };
  if (source instanceof ArrayBuffer) return { bytes: new Uint8Array(source) };
  // Also a Uint8Array of another realm, and Node's Buffer.
  if (nameOf(source) === "Uint8Array") return { bytes: source as Uint8Array };
  if (isTensor(source)) return { tensor: source };
  if (isByteSource(source)) return { byteSource: source };
  if (isLazyReader(source)) return {};
  if (isZarrStore(source)) return { zarrStore: source };
  throw invalid(
    `Cannot open ${source === "" ? "an empty path" : nameOf(source)}; give a path, URL, Blob, bytes, Tensor, ByteSource, Zarr store, LazyReader or request.`,
  );
}

/** Whether `value` is an object literal, or an object without a prototype. */
function isLiteral(value: object): boolean {
  return [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null);
}

/** Whether JSON keeps the value as it is; its parts are asked about one by one. */
function isPlain(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value === "object") return value === null || Array.isArray(value) || isLiteral(value);
  return !/function|bigint|symbol/.test(typeof value);
}

/** Whether `source` is a request (of any copy of core), or the plain data of one. */
function isRequestLike(source: unknown): source is Partial<BackendRequest> {
  if (typeof source !== "object" || source === null || isByteSource(source) || isZarrStore(source))
    return false;
  if (!isLiteral(source) && !Object.hasOwn(Object.getPrototypeOf(source) as object, "toJSON")) return false;
  return [...SOURCES, "reader"].some((field) => (source as Record<string, unknown>)[field] !== undefined);
}

/** The one source of a request that somebody wrote by hand, checked as if it had been given by itself. */
function fromRequest(request: Partial<BackendRequest>): Sources {
  const [field, ...others] = SOURCES.filter((name) => request[name] !== undefined);
  if (others.length > 0) {
    throw invalid(`A request has one source, not ${[field, ...others].join(" and ")}.`);
  }
  if (field === undefined) return {};
  return field === "remoteZarrUri" ? { remoteZarrUri: request[field]! } : fromSource(request[field]);
}

const requestPrototype = {
  toJSON(this: BackendRequest): RequestJSON {
    const { path, remoteZarrUri, name, affine, readerOptions, ...rest } = this;
    const others = Object.keys(rest);
    const plain = { path, remoteZarrUri, name, affine, readerOptions };
    const text = JSON.stringify(plain, function (this: Record<string, unknown>, key, value: unknown) {
      // JSON would quietly drop a function and rewrite a Date or a typed array.
      if (!isPlain(this[key])) others.push(key);
      return typeof value === "bigint" ? null : value;
    });
    if (others.length > 0) {
      throw invalid(
        `A request with ${others.join(", ")} is not plain data; send those parts by themselves and call createRequest where they arrive.`,
      );
    }
    return JSON.parse(text) as RequestJSON;
  },
};

/**
 * A frozen request from whatever a user holds. No I/O.
 *
 * A string or URL whose name ends in `.zarr` under a remote scheme (http, https, s3, gs, az, ...) becomes
 * `remoteZarrUri`; every other one is a `path`. Options given here win over those of a request that is passed in.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` when `source` is nothing an image can come from, or the affine is no 4 x 4.
 */
export function createRequest(source: ImageSource, options: RequestOptions = {}): BackendRequest {
  const base: Partial<BackendRequest> = isRequestLike(source) ? source : {};
  const affine = options.affine ?? base.affine;
  const fields = {
    ...(base === source ? fromRequest(base) : fromSource(source)),
    name: options.name ?? base.name,
    sibling: options.sibling ?? base.sibling,
    fetch: options.fetch ?? base.fetch,
    affine: affine === undefined ? undefined : createAffine(affine),
    readerOptions: Object.freeze({ ...base.readerOptions, ...options.readerOptions }),
    reader: options.reader ?? base.reader ?? (isLazyReader(source) ? source : undefined),
  };
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.freeze(Object.assign(Object.create(requestPrototype), Object.fromEntries(given)));
}

/** The file name that tells the format, if any: the given one, or the last segment of the path or URL. */
export function requestName(request: BackendRequest): string | undefined {
  if (request.name !== undefined) return request.name;
  const location = request.path ?? request.remoteZarrUri;
  if (location !== undefined) return lastSegment(location);
  return (request.blob as Partial<File> | undefined)?.name ?? request.byteSource?.name;
}

/**
 * Whether the request is for a file (path, Blob, bytes or byte source) with one of these extensions, without regard to
 * case. A request with a reader of its own is no format's.
 *
 * @param extensions with their dot: `".nii"`, `".nii.gz"`
 */
export function hasExtension(request: BackendRequest, ...extensions: readonly string[]): boolean {
  const { path, blob, bytes, byteSource, reader } = request;
  if (reader !== undefined || (path ?? blob ?? bytes ?? byteSource) === undefined) return false;
  const name = requestName(request)?.toLowerCase();
  return name !== undefined && extensions.some((extension) => name.endsWith(extension.toLowerCase()));
}

/** A request in a few words, for messages. Never shows a URL's user, password and query, where secrets live. */
export function describeRequest(request: BackendRequest): string {
  const location = request.path ?? request.remoteZarrUri;
  if (location !== undefined) {
    return hasScheme(location) ? withoutQuery(location).replace(/:\/\/[^/]*@/, "://") : location;
  }
  const kind = SOURCES.find((field) => request[field] !== undefined) ?? "a reader";
  const name = requestName(request);
  return name === undefined ? `a source of kind ${kind}` : `${name} (${kind})`;
}
