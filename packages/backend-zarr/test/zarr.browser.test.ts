import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { niftiZarr, zarrStore } from "@lazyimg/backend-zarr/backend";
import { writeNiftiZarr, type ZarrCodec } from "@lazyimg/backend-zarr/write";
import { createRequest } from "@lazyimg/core";
import { backendSuite, countingStore, volume } from "@lazyimg/testkit";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { commands } from "vitest/browser";

const AFFINE = [
  -1.875, 0.125, 0.25, 91.5, 0.25, 2.25, -0.375, -118.25, 0.0625, 0.5, 3.125, -69.75, 0, 0, 0, 1,
];

async function written(codec: ZarrCodec, shard?: number) {
  const { tensor, affine } = volume({ dtype: "int16", shape: [2, 9, 10, 11], affine: AFFINE });
  const files = new Map<string, Uint8Array>();
  await writeNiftiZarr(tensorBackend(tensor, affine), files, { chunk: 4, shard, codec });
  return { files, tensor, affine };
}

describe.each([
  ["blosc", 8],
  ["zstd", undefined],
  ["gzip", 8],
  ["none", undefined],
] as const)("%s, shards of %s", (codec, shard) => {
  backendSuite({
    test,
    name: "memory",
    // Chunks of a shard are read with what lies between.
    supports: { explain: shard === undefined ? true : "estimate" },
    async create() {
      const { files, tensor, affine } = await written(codec, shard);
      const source = countingStore(files);
      const backend = (await zarrStore.open(createRequest(source), {}))!;
      return { backend, source, expected: tensor.copy(), affine, openBytes: 9000 };
    },
  });
});

test("a dropped archive", async () => {
  const { files, tensor } = await written("gzip");
  const bytes = zipSync(Object.fromEntries([...files].map(([key, value]) => [key.slice(1), value])));
  const blob = new File([bytes], "image.nii.zarr.zip");
  const image = (await niftiZarr.open(createRequest(blob), {}))!;
  expect((await image.toTensor()).copy().data).toEqual(tensor.data);
});

test.each([
  "v2-blosc-lz4-1",
  "v2-blosc-zstd-2",
  "v2-zlib",
  "v2-zstd",
  "v3-gzip",
  "v3-zstd",
  "v2-delta",
  "niizarr-v3-sharded",
])("%s reads as in Python", async (name) => {
  const folder = "tests/golden/zarr";
  const text = await commands.readFile(`${folder}/${name}.zarr.zip`, { encoding: "base64" });
  const { images, tensors } = JSON.parse(await commands.readFile(`${folder}/expected.json`));
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const image = (await niftiZarr.open(createRequest(bytes, { name: `${name}.zarr.zip` }), {}))!;
  const { data } = (await image.read(null, { scaled: false })).copy("C");
  const found = btoa(String.fromCharCode(...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)));
  expect(found).toBe(tensors[images[name].raw].data);
});

test("a directory is refused with what to do instead", async () => {
  const opening = Promise.resolve().then(() => niftiZarr.open(createRequest("/data/a.zarr"), {}));
  await expect(opening).rejects.toMatchObject({ code: "ERR_UNSUPPORTED" });
});
