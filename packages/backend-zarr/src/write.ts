import { type ImageDataBackend, isZarrStore, LazyImageError, type WriteFunction } from "@lazyimg/core";
import { directorySink } from "#directory-sink";
import { storeOf } from "./store/store.js";
import type { WriteZarrDirectoryOptions } from "./write/options.js";
import { type MutableZarrStore, sinkOf } from "./write/sink.js";
import { type Prepared, prepare, writeZarr } from "./write/write-zarr.js";

export type { WriteZarrDirectoryOptions, WriteZarrOptions, ZarrCodec } from "./write/options.js";
export type { MutableZarrStore } from "./write/sink.js";

/** What must be the same for a conversion to be continued, in one line. */
function fingerprintOf(image: ImageDataBackend, { plan, headerBytes }: Prepared, sourceId: string): string {
  const header = Array.from(headerBytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return JSON.stringify({ shape: image.shape, dtype: image.dtype, plan, header, sourceId });
}

/**
 * Writes an image as NIfTI-Zarr (an OME-Zarr pyramid and the binary NIfTI header), reading it row by row of chunks: at
 * most a few rows are held at a time, whatever its size. Voxels are written as stored, scaling stays in the header.
 *
 * Into a directory, data are written beside the destination and renamed into place at the end. Where it is aborted, what
 * is done stays in `DESTINATION.partial` for `resume`; after another error it is removed.
 *
 * @param image any image: one with a NIfTI header keeps it, others get one
 * @param target a directory's path, or a zarrita store or Map, which must be empty
 * @throws LazyImageError `ERR_EXISTS` when the directory exists and `force` is not set; `ERR_INVALID_ARGUMENT` for
 * options; `ERR_IO`; and what reading the image throws
 */
export async function writeNiftiZarr(
  image: ImageDataBackend,
  target: string | MutableZarrStore,
  options: WriteZarrDirectoryOptions = {},
): Promise<void> {
  options.signal?.throwIfAborted();
  const prepared = await prepare(image, options);
  if (typeof target !== "string") {
    await writeZarr(image, prepared, sinkOf(target, storeFor(target)), options);
    return;
  }
  const fingerprint = fingerprintOf(image, prepared, options.sourceId ?? "");
  const sink = await directorySink(target, fingerprint, options);
  try {
    await writeZarr(image, prepared, sink, options);
  } catch (error) {
    if (options.signal?.aborted === true || options.resume === true) sink.keep();
    else await sink.drop();
    throw error;
  }
  await sink.finish();
}

function storeFor(target: MutableZarrStore) {
  if (isZarrStore(target) && typeof target.set === "function") return storeOf(target);
  throw new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    "writeNiftiZarr writes to a path, or a store with get and set",
  );
}

/** Whether `image.save` writes NIfTI-Zarr to this name. */
export function writesZarr(destination: string): boolean {
  return /\.zarr[/\\]*$/i.test(destination) && !/^(?!file:)[a-z][a-z0-9+.-]+:/i.test(destination);
}

/** The writer that importing `@lazyimg/backend-zarr` registers; its options are those of `writeNiftiZarr`. */
export const writeZarrFile: WriteFunction = (image, destination, options) =>
  writeNiftiZarr(image, destination, options as WriteZarrDirectoryOptions);
