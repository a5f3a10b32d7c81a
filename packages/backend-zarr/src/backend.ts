import { cached, type HttpSourceOptions, openSource, remoteOf } from "@lazyimg/byte-source";
import {
  type BackendDescriptor,
  type BackendRequest,
  type ImageDataBackend,
  LazyImageError,
  requestName,
} from "@lazyimg/core";
import { directoryStore } from "#directory";
import { matchesRemoteZarr, matchesZarrFile, matchesZarrStore } from "./match.js";
import { httpStore } from "./store/http.js";
import { type Store, storeOf } from "./store/store.js";
import { zipStore } from "./store/zip.js";
import { type ZarrReaderOptions, zarrBackend } from "./zarr-backend.js";

export type { ZarrNiftiHeader } from "./meta/nifti-array.js";
export type { ZarrReaderOptions } from "./zarr-backend.js";

/** Opens a store that is closed again where its image cannot be opened. */
async function openStore(
  store: Store,
  request: BackendRequest,
  signal: AbortSignal | undefined,
): Promise<ImageDataBackend> {
  try {
    return await zarrBackend(store, request.readerOptions as ZarrReaderOptions, signal);
  } catch (error) {
    await store.close?.();
    throw error;
  }
}

function remoteStore(request: BackendRequest): Store {
  const location = (request.remoteZarrUri ?? request.path)!;
  const remote = remoteOf(location, request);
  if (remote === null) throw new LazyImageError("ERR_INVALID_ARGUMENT", `Not a URL: ${location}`);
  const { headers, concurrency, retries, timeout, maxBytes } = request.readerOptions as HttpSourceOptions;
  return httpStore(remote.url, { fetch: remote.fetch, headers, concurrency, retries, timeout, maxBytes });
}

/** The descriptor of Zarr behind a URL, under TorchIO's name. */
export const remoteZarr: BackendDescriptor = {
  name: "remote-nifti-zarr",
  matches: matchesRemoteZarr,
  open: (request, { signal }) => openStore(remoteStore(request), request, signal),
};

/** The descriptor of an open Zarr store, under TorchIO's name. The store stays the caller's. */
export const zarrStore: BackendDescriptor = {
  name: "zarr-store",
  matches: matchesZarrStore,
  open: (request, { signal }) => openStore(storeOf(request.zarrStore!), request, signal),
};

/** The descriptor of a local `.zarr` directory or a `.zarr.zip` archive, under TorchIO's name. */
export const niftiZarr: BackendDescriptor = {
  name: "nifti-zarr",
  matches: matchesZarrFile,
  open: async (request, { signal }) => openStore(await localStore(request, signal), request, signal),
};

async function localStore(request: BackendRequest, signal: AbortSignal | undefined): Promise<Store> {
  const { path } = request;
  const isArchive = /\.zip$/i.test(requestName(request) ?? "zip");
  if (path !== undefined && !isArchive) return directoryStore(directoryOf(path));
  const source = cached(openSource(request), { maxBytes: 4 << 20 });
  try {
    return await zipStore(source, { signal });
  } catch (error) {
    await source.close?.();
    throw error;
  }
}

/** A path without trailing slashes; of a file: URL its path. */
function directoryOf(path: string): string {
  const plain = /^file:/i.test(path) ? fileOfUrl(path) : path;
  return plain.replace(/(?<=.)[/\\]+$/, "");
}

function fileOfUrl(url: string): string {
  const { pathname, host } = new URL(url);
  if (host !== "" && host !== "localhost") {
    throw new LazyImageError("ERR_INVALID_ARGUMENT", `file: URL of another machine: ${host}`);
  }
  // Windows: /C:/data is C:/data.
  return decodeURIComponent(pathname).replace(/^\/(?=[a-zA-Z]:)/, "");
}
