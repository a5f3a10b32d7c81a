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

const FILES = ["path", "blob", "bytes", "byteSource"] as const;
const SOURCES = [...FILES, "remoteZarrUri", "zarrStore", "tensor"] as const;
type SourceField = (typeof SOURCES)[number];
type Sources = { [K in SourceField | "reader"]?: NonNullable<BackendRequest[K]> };

/** Whether `reader` builds lazy backends, rather than loading at once. */
export function isLazyReader(reader: unknown): reader is LazyReader {
  return hasMembers(reader, "function", "createBackend");
}

/** A URL: its scheme, user and password, path without trailing slashes, query. One letter is a Windows drive, no scheme. */
const LOCATION = /^([a-z][a-z0-9+.-]+:(?:\/\/)?)([^/?#]*@)?([^?#]*?)\/*([?#].*)?$/is;

/** The last segment of a path or URL: no folders, no trailing slashes, and of a URL no query, fragment or escapes. */
function lastSegment(location: string): string {
  const path = LOCATION.exec(location)?.[3];
  const segment = /([^/\\]*)[/\\]*$/.exec(path ?? location)![1]!;
  try {
    return path === undefined ? segment : decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function fromLocation(location: string): Sources {
  const isRemote = LOCATION.test(location) && !/^file:/i.test(location);
  return isRemote && /\.zarr$/i.test(lastSegment(location))
    ? { remoteZarrUri: location.replace(LOCATION, "$1$2$3$4") }
    : { path: location };
}

/** The source that `source` is by itself; undefined when it is a request, or nothing that an image can come from. */
function fromSource(source: unknown): Sources | undefined {
  const kind = nameOf(source);
  if (source !== "" && (kind === "String" || kind === "URL")) return fromLocation(String(source));
  if (kind === "ArrayBuffer") return { bytes: new Uint8Array(source as ArrayBuffer) };
  // Node's Buffer too.
  if (kind === "Uint8Array") return { bytes: source as Uint8Array };
  if (source instanceof Blob) return { blob: source };
  if (isTensor(source)) return { tensor: source };
  if (isByteSource(source)) return { byteSource: source };
  if (isLazyReader(source)) return { reader: source };
  return isZarrStore(source) ? { zarrStore: source } : undefined;
}

/** Whether JSON keeps the value as it is; its parts are asked about one by one. */
function isPlain(value: NonNullable<unknown> | null | undefined): boolean {
  const kept: unknown[] = [Object, Array, String, Boolean, undefined];
  return Number.isFinite(value) || kept.includes(value?.constructor);
}

const requestPrototype = {
  toJSON(this: BackendRequest): RequestJSON {
    const text = JSON.stringify({ ...this }, function (this: Record<string, unknown>, key, value: unknown) {
      // JSON would quietly drop a function and rewrite a Date or a typed array.
      if (isPlain(this[key])) return value;
      throw invalid(`${key} is no plain data; give it to createRequest where the request arrives.`);
    });
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
  const base = Object(fromSource(source) ?? source) as Partial<BackendRequest>;
  const fields = SOURCES.filter((field) => base[field] !== undefined);
  const [field] = fields;
  let found: Sources | undefined = field === undefined ? base.reader && {} : fromSource(base[field]);
  // Its name need not end in ".zarr".
  if (field === "remoteZarrUri") found = { remoteZarrUri: base[field]! };
  if (found === undefined || fields.length > 1) {
    throw invalid(
      `Cannot open ${fields.join(" and ") || `this ${nameOf(source)}`}; give one path, URL, Blob, bytes, Tensor, source, store, reader or request.`,
    );
  }
  const request: Record<string, unknown> = Object.assign(Object.create(requestPrototype), found);
  for (const option of ["reader", "name", "sibling", "fetch", "affine"] as const) {
    const value = options[option] ?? base[option];
    if (value !== undefined) request[option] = option === "affine" ? createAffine(value as Affine) : value;
  }
  request.readerOptions = Object.freeze({ ...base.readerOptions, ...options.readerOptions });
  return Object.freeze(request) as unknown as BackendRequest;
}

/** The parts of a request that a name is in. */
type Named = {
  readonly [Field in "name" | "path" | "remoteZarrUri" | "blob" | "byteSource"]?:
    | BackendRequest[Field]
    | undefined;
};

/** The file name that tells the format, if any: the given one, or the last segment of the path or URL. */
export function requestName(request: Named): string | undefined {
  const { name, path, remoteZarrUri, blob, byteSource } = request;
  const location = path ?? remoteZarrUri;
  return (
    name ??
    (location && lastSegment(location)) ??
    (blob as Partial<File> | undefined)?.name ??
    byteSource?.name
  );
}

/**
 * Whether the request is for a file (path, Blob, bytes or byte source) with one of these extensions, without regard to
 * case. A request with a reader of its own is no format's.
 *
 * @param extensions with their dot: `".nii"`, `".nii.gz"`
 */
export function hasExtension(request: BackendRequest, ...extensions: readonly string[]): boolean {
  const name = requestName(request)?.toLowerCase() ?? "";
  const isFile = FILES.some((field) => field in request);
  return isFile && !request.reader && extensions.some((extension) => name.endsWith(extension.toLowerCase()));
}

/** A request in a few words, for messages. Never shows a URL's user, password and query, where secrets live. */
export function describeRequest(request: BackendRequest): string {
  const { path, remoteZarrUri } = request;
  // What it comes from is set first.
  const [kind] = Object.keys(request);
  const location = path ?? remoteZarrUri;
  return location?.replace(LOCATION, "$1$3") ?? `${requestName(request) ?? "a source"} (${kind})`;
}
