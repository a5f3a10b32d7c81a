import type { ImageDataBackend, WriteFunction } from "@lazyimg/core";
import { beginNiftiZarr, type ZarrConversion } from "./write/conversion.js";
import type { WriteZarrDirectoryOptions } from "./write/options.js";
import type { MutableZarrStore } from "./write/sink.js";

export {
  beginNiftiZarr,
  type JoinedConversion,
  joinNiftiZarr,
  type Piece,
  type ZarrConversion,
  type ZarrPieces,
} from "./write/conversion.js";
export type { WriteZarrDirectoryOptions, WriteZarrOptions, ZarrCodec } from "./write/options.js";
export type { MutableZarrStore } from "./write/sink.js";

/**
 * Writes an image as NIfTI-Zarr (an OME-Zarr pyramid and the binary NIfTI header), reading it piece by piece: at most
 * one row of chunks is held at a time, or 64 MiB of one, whatever its size. Voxels are written as stored, scaling stays
 * in the header.
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
  const conversion = await beginNiftiZarr(image, target, options);
  try {
    await writeAll(conversion, options);
    await conversion.publish();
  } catch (error) {
    if (options.signal?.aborted === true || options.resume === true) await conversion.keep();
    else await conversion.drop();
    throw error;
  }
}

/** Writes what an earlier run did not. */
async function writeAll(
  conversion: ZarrConversion,
  { signal, onProgress }: WriteZarrDirectoryOptions,
): Promise<void> {
  const { pieces } = conversion;
  const totalBytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
  let bytes = 0;
  for (const piece of pieces) {
    signal?.throwIfAborted();
    const resumed = conversion.isDone(piece);
    if (!resumed) await conversion.write(piece, { signal });
    bytes += piece.bytes;
    // What an earlier run did would say nothing about how fast this one is.
    if (!resumed || bytes === totalBytes) onProgress?.({ bytes, totalBytes });
  }
}

/** Whether `image.save` writes NIfTI-Zarr to this name. */
export function writesZarr(destination: string): boolean {
  return /\.zarr[/\\]*$/i.test(destination);
}

/** The writer that importing `@lazyimg/backend-zarr` registers; its options are those of `writeNiftiZarr`. */
export const writeZarrFile: WriteFunction = (image, destination, options) =>
  writeNiftiZarr(image, destination, options as WriteZarrDirectoryOptions);
