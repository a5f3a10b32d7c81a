import { nifti } from "@lazyimg/backend-nifti/backend";
import { slice } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { toNiivue } from "@lazyimg/viewer/niivue";
import { expect, it } from "vitest";
import { commands } from "vitest/browser";

interface Sample {
  readonly voxel: readonly [number, number, number];
  readonly world: readonly number[];
  readonly value: readonly number[];
}

const FIXTURES = "packages/viewer/test/fixtures/";
const golden = JSON.parse(await commands.readFile(`${FIXTURES}golden.json`)) as {
  images: Record<string, { shape: readonly number[]; samples: readonly Sample[] }>;
};

async function open(name: string) {
  const text = await commands.readFile(FIXTURES + name, { encoding: "base64" });
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return openImage(new Blob([bytes]), { backends: [nifti], name });
}

it.each(["head.nii.gz", "bold.nii"])("gives NiiVue %s with nibabel's values and places", async (name) => {
  const image = await open(name);
  const volume = await toNiivue(image, { name, colormap: "hot", opacity: 0.5 });
  const { samples, shape } = golden.images[name]!;
  const [i, j, k, volumes = 1] = shape as [number, number, number, number?];
  expect(volume.hdr!.dims.slice(1, 4)).toEqual([i, j, k]);
  expect(volume.nFrame4D).toBe(volumes);
  expect(volume.colormap).toBe("hot");
  expect(volume.opacity).toBe(0.5);
  for (const { voxel, world, value } of samples) {
    const at = voxel[0] + i * (voxel[1] + j * voxel[2]);
    const found = Array.from({ length: volumes }, (_, n) => volume.img![at + n * i * j * k]);
    expect(found).toEqual(value);
    const rows = volume.hdr!.affine;
    const place = rows.slice(0, 3).map(([a, b, c, d]) => a! * voxel[0] + b! * voxel[1] + c! * voxel[2] + d!);
    for (const [n, mm] of place.entries()) expect(mm).toBeCloseTo(world[n]!, 4);
  }
  await image.close();
});

it("gives NiiVue colours", async () => {
  const image = await open("rgb.nii.gz");
  const volume = await toNiivue(image);
  expect(volume.hdr!.datatypeCode).toBe(128);
  const [i, j] = golden.images["rgb.nii.gz"]!.shape as [number, number];
  for (const { voxel, value } of golden.images["rgb.nii.gz"]!.samples) {
    const at = 3 * (voxel[0] + i * (voxel[1] + j * voxel[2]));
    expect([...volume.img!.subarray(at, at + 3)]).toEqual(value);
  }
  await image.close();
});

it("reads the region, and puts it where it lies", async () => {
  const image = await open("head.nii.gz");
  const region = [0, slice(10, 30), slice(5, 45, 2), slice(8, null)] as const;
  const volume = await toNiivue(image, { region });
  expect(volume.hdr!.dims.slice(1, 4)).toEqual([20, 20, 24]);
  const expected = image.slice(region);
  const tensor = await expected.read(undefined, { dtype: "float32" });
  for (const [i, j, k] of [
    [0, 0, 0],
    [19, 3, 7],
    [4, 19, 23],
  ] as const)
    expect(volume.img![i + 20 * (j + 20 * k)]).toBe(tensor.at(0, i, j, k));
  for (const [n, value] of volume.hdr!.affine.flat().entries())
    expect(value).toBeCloseTo(expected.affine[n]!, 4);
  // The image itself stays open.
  await expected.close();
  expect((await image.read([0, 0, 0, 0])).shape).toEqual([1, 1, 1, 1]);
  await image.close();
});
