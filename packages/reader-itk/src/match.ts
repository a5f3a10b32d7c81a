import { type BackendRequest, hasExtension } from "@lazyimg/core";

/** ITK's reader for each extension that no lazy backend opens. */
const READERS: Readonly<Record<string, string>> = {
  ".aim": "scanco",
  ".bmp": "bmp",
  ".dcm": "gdcm",
  ".fdf": "fdf",
  ".gipl": "gipl",
  ".gipl.gz": "gipl",
  ".h5": "hdf5",
  ".hdf5": "hdf5",
  ".isq": "scanco",
  ".jpeg": "jpeg",
  ".jpg": "jpeg",
  ".lsm": "lsm",
  ".mnc": "minc",
  ".mnc2": "minc",
  ".mrc": "mrc",
  ".pic": "bio-rad",
  ".png": "png",
  ".tif": "tiff",
  ".tiff": "tiff",
  ".vtk": "vtk",
};

/** The pipelines of `@itk-wasm/image-io` that are used; each is a `.js` and a `.wasm.zst`. */
export const itkPipelines: readonly string[] = [...new Set(Object.values(READERS))].map(
  (format) => `${format}-read-image`,
);

/**
 * The pipeline of `@itk-wasm/image-io` that reads the request's file, by its name, and a path for ITK, some of whose readers
 * ask for the extension.
 */
export function readerOf(request: BackendRequest): { pipeline: string; path: string } | undefined {
  const extension = Object.keys(READERS).find((known) => hasExtension(request, known));
  return extension === undefined
    ? undefined
    : { pipeline: `${READERS[extension]}-read-image`, path: `image${extension}` };
}

/** Whether ITK reads the request's file, by its name, and no lazy backend does. */
export function matchesItk(request: BackendRequest): boolean {
  return readerOf(request) !== undefined;
}
