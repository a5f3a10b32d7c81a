import { metaimage } from "@lazyimg/backend-metaimage/backend";
import { mgh } from "@lazyimg/backend-mgh/backend";
import { mif } from "@lazyimg/backend-mif/backend";
import { nifti } from "@lazyimg/backend-nifti/backend";
import { npy } from "@lazyimg/backend-npy/backend";
import { nrrd } from "@lazyimg/backend-nrrd/backend";
import { niftiZarr, remoteZarr } from "@lazyimg/backend-zarr/backend";
import { createRequest } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { itk } from "@lazyimg/reader-itk/backend";
import { expect, test } from "vitest";

/** The package that the message names for a file which no registered backend opens is the one that opens it. */

const PACKAGES = {
  "@lazyimg/backend-metaimage": [metaimage],
  "@lazyimg/backend-mgh": [mgh],
  "@lazyimg/backend-mif": [mif],
  "@lazyimg/backend-nifti": [nifti],
  "@lazyimg/backend-npy": [npy],
  "@lazyimg/backend-nrrd": [nrrd],
  "@lazyimg/backend-zarr": [niftiZarr, remoteZarr],
  "@lazyimg/reader-itk": [itk],
};

const NAMES =
  "nii NII.GZ nii.gz hdr hdr.gz img img.gz zarr nii.zarr ome.zarr zarr.zip mgh mgz mgh.gz nrrd nhdr mha mhd npy mif mif.gz mih " +
  "aim bmp dcm fdf gipl gipl.gz h5 hdf5 isq jpeg jpg lsm mnc mnc.gz mnc2 mrc pic png tif TIFF tiff vtk " +
  "xyz gz zip nii.bak nii.zip npy.txt mnc2.gz";

async function openedBy(path: string): Promise<string | undefined> {
  for (const [name, backends] of Object.entries(PACKAGES)) {
    for (const { matches } of backends) if (await matches(createRequest(path))) return name;
  }
  return undefined;
}

async function suggestedFor(path: string): Promise<string | undefined> {
  const error: unknown = await openImage(path, { backends: [] }).catch((error: unknown) => error);
  expect(error).toMatchObject({ code: "ERR_NO_BACKEND" });
  return /\(npm install (\S+)\)/.exec((error as Error).message)?.[1];
}

test.each(NAMES.split(" "))(".%s", async (extension) => {
  for (const path of [`scan.${extension}`, `https://example.org/scan.${extension}?token=a.b`]) {
    expect(await suggestedFor(path), path).toBe(await openedBy(path));
  }
});

test("every package is named for something", async () => {
  const named = await Promise.all(NAMES.split(" ").map((extension) => suggestedFor(`a.${extension}`)));
  expect([...new Set(named)].filter((name) => name !== undefined).sort()).toEqual(Object.keys(PACKAGES));
});
