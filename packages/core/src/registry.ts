import { type Affine, affinesEqual } from "./affine.js";
import { type ImageDataBackend, isImageDataBackend } from "./backend.js";
import { LazyImageError } from "./errors.js";
import { type BackendRequest, describeRequest } from "./request.js";

/** Whether a backend opens a request. Cheap: the name first, and where that says nothing a few bytes. */
export type BackendMatcher = (request: BackendRequest) => boolean | Promise<boolean>;

/** Opens a request: reads the header, no voxels. `null` declines, and the next backend is asked. */
export type BackendFactory = (
  request: BackendRequest,
  context: { readonly signal?: AbortSignal | undefined },
) => ImageDataBackend | null | Promise<ImageDataBackend | null>;

/** A backend to be: what importing its package registers, and what `openImage(source, { backends })` takes. */
export interface BackendDescriptor {
  readonly name: string;
  readonly matches: BackendMatcher;
  readonly open: BackendFactory;
}

/** Whether a writer saves to this name. */
export type WriterMatcher = (destination: string) => boolean;

/** Writes an image, region by region, so that memory does not grow with it. */
export type WriteFunction = (
  image: ImageDataBackend,
  destination: string,
  options: Readonly<Record<string, unknown>> & { readonly signal?: AbortSignal | undefined },
) => Promise<void>;

interface WriterEntry {
  readonly name: string;
  readonly matches: WriterMatcher;
  readonly write: WriteFunction;
}

interface Registry {
  readonly backends: BackendDescriptor[];
  readonly writers: WriterEntry[];
}

/** One registry per process, even when two copies of core end up in one tree. The number is the registry's own version. */
const KEY = Symbol.for("@lazyimg/core/registry/1");

function registry(): Registry {
  const holder = globalThis as { [KEY]?: Registry };
  holder[KEY] ??= { backends: [], writers: [] };
  return holder[KEY];
}

function insert<T extends { readonly name: string }>(list: T[], entry: T, prepend: boolean): void {
  const found = list.findIndex(({ name }) => name === entry.name);
  if (found >= 0) list.splice(found, 1);
  if (prepend) list.unshift(entry);
  else list.push(entry);
}

/**
 * Registers a backend; one of the same name is replaced.
 *
 * @param prepend consult it before those already registered (default), or after
 */
export function registerBackend(
  name: string,
  matcher: BackendMatcher,
  factory: BackendFactory,
  { prepend = true }: { prepend?: boolean } = {},
): void {
  const { backends } = registry();
  // Registering the very same thing twice is no event.
  if (backends.some((entry) => entry.name === name && entry.matches === matcher && entry.open === factory))
    return;
  insert(backends, { name, matches: matcher, open: factory }, prepend);
}

/** Removes a backend by name; nothing happens when there is none. */
export function unregisterBackend(name: string): void {
  const { backends } = registry();
  const found = backends.findIndex((entry) => entry.name === name);
  if (found >= 0) backends.splice(found, 1);
}

/** Names of the registered backends, in the order in which they are consulted. */
export function listBackends(): readonly string[] {
  return registry().backends.map(({ name }) => name);
}

/** The same backend with another affine. */
function withAffine(backend: ImageDataBackend, affine: Affine): ImageDataBackend {
  const { shape, dtype, valueDtype, header, levels } = backend;
  return {
    shape,
    dtype,
    valueDtype,
    header,
    levels,
    affine,
    affineSource: "override",
    read: (index, options) => backend.read(index, options),
    toTensor: (options) => backend.toTensor(options),
    ...(backend.explain && { explain: (index, options) => backend.explain!(index, options) }),
    ...(backend.close && { close: () => backend.close!() }),
  };
}

/**
 * The first backend, in order, that matches the request and does not decline; `null` when there is none. An affine in
 * the request replaces the file's.
 *
 * @param options `backends` consults these instead of the registered ones
 */
export async function resolveBackend(
  request: BackendRequest,
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly backends?: readonly BackendDescriptor[] | undefined;
  } = {},
): Promise<ImageDataBackend | null> {
  const { signal, backends = [...registry().backends] } = options;
  for (const { name, matches, open } of backends) {
    signal?.throwIfAborted();
    if (!(await matches(request))) continue;
    const backend = await open(request, { signal });
    if (backend === null) continue;
    if (!isImageDataBackend(backend)) {
      throw new LazyImageError(
        "ERR_INVALID_ARGUMENT",
        `Backend "${name}" opened ${describeRequest(request)} but did not return shape (4), affine (16), dtype, read and toTensor.`,
      );
    }
    const { affine } = request;
    return affine === undefined || affinesEqual(affine, backend.affine)
      ? backend
      : withAffine(backend, affine);
  }
  return null;
}

/** Registers a writer, by the same rules as `registerBackend`. */
export function registerWriter(
  name: string,
  matcher: WriterMatcher,
  write: WriteFunction,
  { prepend = true }: { prepend?: boolean } = {},
): void {
  insert(registry().writers, { name, matches: matcher, write }, prepend);
}

/** The first registered writer that saves to this name, or `null`. */
export function resolveWriter(destination: string): WriteFunction | null {
  return registry().writers.find(({ matches }) => matches(destination))?.write ?? null;
}
