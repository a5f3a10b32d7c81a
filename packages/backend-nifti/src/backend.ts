import {
  type BackendDescriptor,
  type BackendRequest,
  defineBackend,
  describeRequest,
  hasExtension,
  type ImageDataBackend,
} from "@lazyimg/core";
import type { OpenedFile } from "@lazyimg/data-file";
import {
  type NiftiExtension,
  type NiftiHeader,
  parseExtensions,
  parseNiftiHeader,
  shape4Of,
  sniffNifti,
} from "@lazyimg/nifti-header/parse";
import { type ArrayLayout, checkLayout, rawArray, stridesInOrder } from "@lazyimg/raw-array";
import { openFiles } from "./files.js";
import { EXTENSIONS, matchesNifti } from "./match.js";

/** The `header` of a NIfTI image: every field of the file's, and its extensions on demand. */
export interface NiftiImageHeader extends NiftiHeader {
  /** Reads the header extensions, in the first 64 MiB behind the header; they are not read when the image is opened. */
  readExtensions(options?: { signal?: AbortSignal | undefined }): Promise<readonly NiftiExtension[]>;
}

/**
 * Opens a NIfTI-1 or NIfTI-2 image (`.nii`, `.hdr` and `.img`, each gzipped or not): reads the header, no voxels.
 *
 * @returns `null` when the request has no NIfTI name and its content is not NIfTI either
 * @throws LazyImageError `ERR_TRUNCATED` when the file is smaller than its header states, `ERR_PAIR` when half of a pair
 * is missing, and what `parseNiftiHeader` and the source throw
 */
export async function openNifti(
  request: BackendRequest,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ImageDataBackend | null> {
  const files = await openFiles(request, { signal });
  try {
    const { head } = files.header;
    if (sniffNifti(head) === null && !hasExtension(request, ...EXTENSIONS)) {
      await files.close();
      return null;
    }
    const what = describeRequest(request);
    const header = parseNiftiHeader(head, { name: what, affine: request.affine });
    const voxels = header.singleFile ? files.header : await files.openVoxels();
    const shape = shape4Of(header);
    const layout: ArrayLayout = {
      offset: header.voxOffset,
      dtype: header.dtype,
      littleEndian: header.littleEndian,
      shape,
      strides: stridesInOrder(shape, header.samples > 1 ? [0, 1, 2, 3] : [1, 2, 3, 0]),
    };
    checkLayout(layout, voxels.mostBytes, what);
    const withExtensions: NiftiImageHeader = {
      ...header,
      readExtensions: (options = {}) => readExtensions(files.header, header, options),
    };
    return defineBackend({
      ...rawArray(voxels.source, layout),
      shape,
      affine: header.affine,
      affineSource: header.affineSource,
      dtype: header.dtype,
      scaling: header.scaling,
      header: withExtensions,
      close: files.close,
    });
  } catch (error) {
    await files.close();
    throw error;
  }
}

/** Extensions are looked for in so many bytes: a gzipped header may say, or hold, a thousand times its own size. */
const MOST_BYTES = 2 ** 26;

async function readExtensions(
  { source, mostBytes }: OpenedFile,
  { headerBytes, hasExtensions, singleFile, voxOffset, littleEndian }: NiftiHeader,
  options: { signal?: AbortSignal | undefined },
): Promise<readonly NiftiExtension[]> {
  if (!hasExtensions) return [];
  const begin = headerBytes + 4;
  // In a pair they take the rest of the header file.
  const end = singleFile ? voxOffset : ((await source.size(options)) ?? mostBytes ?? begin);
  const bytes = await source.read(begin, Math.min(end - begin, MOST_BYTES), options);
  return parseExtensions(bytes, littleEndian);
}

/** The descriptor that importing `@lazyimg/backend-nifti` registers. */
export const nifti: BackendDescriptor = { name: "nifti", matches: matchesNifti, open: openNifti };
