import type { Affine } from "./affine.js";
import { type ImageDataBackend, isImageDataBackend } from "./backend.js";
import { invalid } from "./errors.js";
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
  backends: readonly BackendDescriptor[];
  writers: readonly WriterEntry[];
}

/** One registry per process, even when two copies of core end up in one tree. The number is the registry's own version. */
const KEY = Symbol.for("@lazyimg/core/registry/1");

function registry(): Registry {
  const holder = globalThis as { [KEY]?: Registry };
  holder[KEY] ??= { backends: [], writers: [] };
  return holder[KEY];
}

const without = <T extends { name: string }>(list: readonly T[], given: string) =>
  list.filter(({ name }) => name !== given);

/** The list with one more entry, which replaces that of its name. */
function insert<T extends { name: string }>(
  list: readonly T[],
  entry: T,
  { prepend = true } = {},
): readonly T[] {
  const parts = Object.keys(entry) as (keyof T)[];
  // Registering the very same thing twice is no event.
  if (list.some((other) => parts.every((part) => other[part] === entry[part]))) return list;
  const others = without(list, entry.name);
  return prepend ? [entry, ...others] : [...others, entry];
}

/**
 * Registers a backend; one of the same name is replaced.
 *
 * @param options `prepend`: consult it before those already registered (default), or after
 */
export function registerBackend(
  name: string,
  matches: BackendMatcher,
  open: BackendFactory,
  options?: { prepend?: boolean },
): void {
  const held = registry();
  held.backends = insert(held.backends, { name, matches, open }, options);
}

/** Removes a backend by name; nothing happens when there is none. */
export function unregisterBackend(name: string): void {
  const held = registry();
  held.backends = without(held.backends, name);
}

/** Names of the registered backends, in the order in which they are consulted. */
export function listBackends(): readonly string[] {
  return registry().backends.map(({ name }) => name);
}

/** The same backend with another affine. Its levels are left out, whose affines follow from the file's. */
function withAffine(backend: ImageDataBackend, affine: Affine): ImageDataBackend {
  const { shape, dtype, valueDtype, header } = backend;
  return {
    shape,
    dtype,
    valueDtype,
    header,
    affine,
    affineSource: "override",
    read: backend.read.bind(backend),
    toTensor: backend.toTensor.bind(backend),
    ...(backend.explain && { explain: backend.explain.bind(backend) }),
    ...(backend.close && { close: backend.close.bind(backend) }),
  };
}

/**
 * The first backend, in order, that matches the request and does not decline; `null` when there is none.
 *
 * An affine in the request replaces the file's: `affineSource` is then "override", even where the two are equal, and
 * `levels`, whose affines follow from the file's, are left out.
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
  const { signal, backends = registry().backends } = options;
  for (const { name, matches, open } of backends) {
    signal?.throwIfAborted();
    const backend = (await matches(request)) ? await open(request, { signal }) : null;
    if (backend === null) continue;
    if (!isImageDataBackend(backend)) {
      throw invalid(
        `Backend "${name}" opened ${describeRequest(request)} without shape (4), affine (16), dtype, read or toTensor.`,
      );
    }
    const { affine } = request;
    return affine === undefined ? backend : withAffine(backend, affine);
  }
  return null;
}

/** Registers a writer, by the same rules as `registerBackend`. */
export function registerWriter(
  name: string,
  matches: WriterMatcher,
  write: WriteFunction,
  options?: { prepend?: boolean },
): void {
  const held = registry();
  held.writers = insert(held.writers, { name, matches, write }, options);
}

/** The first registered writer that saves to this name, or `null`. */
export function resolveWriter(destination: string): WriteFunction | null {
  return registry().writers.find(({ matches }) => matches(destination))?.write ?? null;
}
