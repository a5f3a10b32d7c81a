import type { DType, ImageDataBackend, ReadOptions } from "@lazyimg/core";

/** Options of `writeNifti`. */
export interface WriteNiftiOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told as voxels are written; bytes before compression. */
  readonly onProgress?: ReadOptions["onProgress"];
  /** Stored type. Default: the image's own, or that of its scaled values. */
  readonly dtype?: DType | undefined;
  /** "keep" stores voxels and scaling as the source has them (default); "apply" stores the scaled values. */
  readonly scaling?: "keep" | "apply" | undefined;
  /** NIfTI version. Default: the source's, and 2 where an axis is longer than 32767. */
  readonly version?: 1 | 2 | undefined;
  /** Whether to gzip a stream; a file's name tells (`.nii.gz`). */
  readonly gzip?: boolean | undefined;
  /** For a URL: refuse to replace an object that is there (`ERR_EXISTS`). */
  readonly ifAbsent?: boolean | undefined;
  /** For a URL: the caller's own `fetch`, which answers for credentials. */
  readonly fetch?: typeof fetch | undefined;
  /** For a URL: what its transport takes, such as `s3`, and `retries` and `timeout`. */
  readonly readerOptions?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Writes an image as one NIfTI file, slab by slab, so that memory does not grow with the image. A file is written beside
 * its destination and renamed into place when it is complete; an object of a store is uploaded in parts, and there is
 * nothing under its name until all have come.
 *
 * Fields of a NIfTI source (repetition time, intent, description, codes, extensions, ...) are carried over; sform and
 * qform are those of the image's affine.
 *
 * @param image any backend, or an `Image`'s `dataobj`
 * @param destination path of a `.nii` or `.nii.gz` file (Node), a URL whose transport writes (`s3:`, `gs:`, `az:`), or a
 * stream, which is closed at the end
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` for another name, `ERR_IO` when the file cannot be written, `ERR_HTTP`
 * and `ERR_EXISTS` of an object store, and what reading the image throws
 */
export async function writeNifti(
  image: ImageDataBackend,
  destination: string | WritableStream<Uint8Array>,
  options: WriteNiftiOptions = {},
): Promise<void> {
  // Those who only read never load the writer.
  const { write } = await import("./writer.js");
  return write(image, destination, options);
}
