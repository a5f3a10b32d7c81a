import { type BackendDescriptor, LazyImageError } from "@lazyimg/core";
import { ITK } from "../names.js";

/** The backends, by the names that they open: a page loads those of the images that it opens. */
const FORMATS: readonly (readonly [names: RegExp, load: () => Promise<readonly BackendDescriptor[]>])[] = [
  [
    /\.zarr(\.zip)?$/i,
    async () => {
      const { niftiZarr, remoteZarr, zarrStore } = await import("@lazyimg/backend-zarr/backend");
      return [remoteZarr, zarrStore, niftiZarr];
    },
  ],
  [/\.(mha|mhd)$/i, async () => [(await import("@lazyimg/backend-metaimage/backend")).metaimage]],
  [/\.(mgz|mgh(\.gz)?)$/i, async () => [(await import("@lazyimg/backend-mgh/backend")).mgh]],
  [/\.(mif|mih)(\.gz)?$/i, async () => [(await import("@lazyimg/backend-mif/backend")).mif]],
  [/\.(nrrd|nhdr)$/i, async () => [(await import("@lazyimg/backend-nrrd/backend")).nrrd]],
  [/\.npy$/i, async () => [(await import("@lazyimg/backend-npy/backend")).npy]],
  [ITK, async () => [await loadItk()]],
];

/** ITK's, which is large, and there where it was installed; the page has it. */
async function loadItk(): Promise<BackendDescriptor> {
  try {
    return (await import("@lazyimg/reader-itk/backend")).itk;
  } catch (cause) {
    const message =
      "ITK reads this format, and @lazyimg/reader-itk is not there: install it beside @lazyimg/viewer.";
    throw new LazyImageError("ERR_NO_BACKEND", message, { cause });
  }
}

/** The backends to be asked for an image of this name: NIfTI's for all others, which knows its own by their content. */
export async function backendsFor(name: string): Promise<readonly BackendDescriptor[]> {
  const [, load] = FORMATS.find(([names]) => names.test(name)) ?? [];
  if (load !== undefined) return load();
  const { nifti } = await import("@lazyimg/backend-nifti/backend");
  return [nifti];
}
