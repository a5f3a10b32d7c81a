import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeNifti } from "@lazyimg/backend-nifti";
import { nifti } from "@lazyimg/backend-nifti/backend";
import { zarrStore } from "@lazyimg/backend-zarr/backend";
import { type WriteZarrOptions, writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { createRequest } from "@lazyimg/core";
import { afterAll, beforeAll, expect, test } from "vitest";

/**
 * NIfTI to Zarr and back gives the same bytes as NIfTI to NIfTI, every golden file that nibabel opens; and the bytes of the
 * file itself where that is a `.nii`.
 */

const FOLDER = fileURLToPath(new URL("../../../tests/golden/nifti/", import.meta.url));
const { cases } = JSON.parse(await readFile(join(FOLDER, "cases.json"), "utf8")) as {
  cases: { readonly name: string; readonly expect: string }[];
};
const sound = cases.filter(({ expect }) => expect === "ok").map(({ name }) => name);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lazyimg-zarr-"));
});
afterAll(() => rm(folder, { recursive: true }));

const LAYOUTS: readonly WriteZarrOptions[] = [
  { zarrFormat: 2, chunk: 8, levels: 1, codec: "none" },
  { zarrFormat: 3, chunk: 4, shard: 8, levels: 2 },
  { chunk: [5, 64, 64], levels: 1, codec: "zstd" },
];

test("NIfTI comes back byte for byte", { timeout: 60_000 }, async () => {
  expect(sound.length).toBeGreaterThan(400);
  const different: string[] = [];
  const changed: string[] = [];
  for (const [n, name] of sound.entries()) {
    const image = (await nifti.open(createRequest(join(FOLDER, name)), {}))!;
    const store = new Map<string, Uint8Array>();
    await writeNiftiZarr(image, store, LAYOUTS[n % LAYOUTS.length]);
    const zarr = (await zarrStore.open(createRequest(store), {}))!;
    const [direct, back] = [join(folder, "direct.nii"), join(folder, "back.nii")];
    await writeNifti(image, direct);
    await writeNifti(zarr, back);
    const found = await readFile(back);
    if (!found.equals(await readFile(direct))) different.push(name);
    // Behind its voxels a file may go on.
    const own = /\.nii$/.test(name) ? await readFile(join(FOLDER, name)) : undefined;
    if (own && !found.equals(own.subarray(0, found.length))) changed.push(name);
    await Promise.all([image.close?.(), zarr.close?.()]);
  }
  expect(different).toEqual([]);
  // Bytes before the voxels that nothing announces, and FreeSurfer's way to write long axes, which becomes NIfTI-2's.
  expect(changed.filter((name) => !/gap-junk|freesurfer-(vector|base)/.test(name))).toEqual([]);
});
