import {
  type BackendDescriptor,
  type BackendRequest,
  createAffine,
  createRequest,
  describeRequest,
  type ImageDataBackend,
  type ImageSource,
  isImageDataBackend,
  isLazyReader,
  LazyImageError,
  listBackends,
  type RequestOptions,
  requestName,
  resolveBackend,
} from "@lazyimg/core";
import { Image } from "./image.js";
import { knownPackage } from "./known-formats.js";
import { Lease } from "./lease.js";

/** Options of `openImage`. */
export interface OpenOptions extends RequestOptions {
  /** Consult these backends instead of the registered ones. */
  readonly backends?: readonly BackendDescriptor[] | undefined;
  /** Aborts opening; it rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens an image: reads its header and nothing else.
 *
 * @param source a path, URL, Blob, bytes, Tensor, ByteSource, Zarr store, LazyReader, request, or a backend
 * @throws LazyImageError `ERR_NO_BACKEND` when no backend knows the source (the message names the package to install),
 * `ERR_INVALID_ARGUMENT` for a source or affine that is none, and what the backend throws
 */
export async function openImage(
  source: ImageSource | ImageDataBackend,
  options: OpenOptions = {},
): Promise<Image> {
  const { signal, backends, ...requestOptions } = options;
  signal?.throwIfAborted();
  // What the caller made is the caller's to close.
  if (isImageDataBackend(source)) return new Image(source);
  const request = createRequest(source, requestOptions);
  const { reader, tensor, affine } = request;
  if (typeof reader === "function" && !isLazyReader(reader)) {
    const loaded = await reader(request, { signal });
    return Image.fromTensor(loaded.tensor, affine ?? createAffine(loaded.affine));
  }
  const backend = await resolveBackend(request, { signal, backends });
  if (backend === null) {
    if (tensor !== undefined && reader === undefined) return Image.fromTensor(tensor, affine);
    throw noBackend(request, backends?.map(({ name }) => name) ?? listBackends());
  }
  const lease = new Lease(async () => backend.close?.());
  if (signal?.aborted) {
    await lease.release();
    throw signal.reason;
  }
  return new Image(backend, lease);
}

function noBackend(request: BackendRequest, tried: readonly string[]): LazyImageError {
  const known = isLazyReader(request.reader) ? "@lazyimg/reader-lazy" : knownPackage(requestName(request));
  const advice =
    known === undefined
      ? "Register a backend for this format, or give a `name` that tells it."
      : `Install ${known} (npm install ${known}) and import it.`;
  return new LazyImageError(
    "ERR_NO_BACKEND",
    `No backend opens ${describeRequest(request)}; tried ${tried.join(", ") || "none, for none is registered"}. ${advice}`,
  );
}
