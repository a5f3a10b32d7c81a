import { metaimage } from "@lazyimg/backend-metaimage/backend";
import { blobSource } from "@lazyimg/byte-source";
import { createRequest, type ImageDataBackend } from "@lazyimg/core";
import { workerGzipSource } from "@lazyimg/seekable-gzip/worker";
import { backendSuite, countingSource, volume } from "@lazyimg/testkit";
import { expect, test } from "vitest";
import { commands } from "vitest/browser";
import { headerText, tagsOf, voxelsOf } from "./meta-file.js";

const FOLDER = "tests/golden/metaimage";

async function bytesOf(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const text = await commands.readFile(`${FOLDER}/${name}`, { encoding: "base64" });
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

interface Facts {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly affine: readonly number[];
  readonly data: string;
}

async function expectFacts(backend: ImageDataBackend, name: string): Promise<void> {
  const facts = (JSON.parse(await commands.readFile(`${FOLDER}/cases.json`)) as Record<string, Facts>)[name]!;
  expect([backend.shape, backend.dtype]).toEqual([facts.shape, facts.dtype]);
  for (const [n, value] of facts.affine.entries()) expect(backend.affine[n]).toBeCloseTo(value, 12);
  const { data } = (await backend.toTensor()).copy("C");
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  expect(btoa(String.fromCharCode(...bytes))).toBe(facts.data);
}

const image = volume({ dtype: "int16", shape: [2, 11, 12, 13] });

backendSuite({
  test,
  async create() {
    const file = new Blob([headerText(tagsOf(image)), new Uint8Array(voxelsOf(image.tensor))]);
    const source = countingSource(blobSource(file));
    const backend = (await metaimage.open(createRequest(source, { name: "image.mha" }), {}))!;
    return { backend, source, expected: image.tensor.copy(), affine: image.affine };
  },
});

test.each(["i2.mha", "compressed.mha", "color-compressed.mha", "time.mha", "big-endian.mha"])(
  "a dropped %s",
  async (name) => {
    const backend = (await metaimage.open(createRequest(new File([await bytesOf(name)], name)), {}))!;
    await expectFacts(backend, name);
    await backend.close?.();
  },
);

test.each([
  ["detached.mhd", "detached.raw"],
  ["detached-compressed.mhd", "detached-compressed.zraw"],
])("a dropped %s with its data file", async (name, file) => {
  const data = new Blob([await bytesOf(file)]);
  const request = createRequest(new File([await bytesOf(name)], name), {
    sibling: async (wanted) => (wanted === file ? blobSource(data) : null),
  });
  const backend = (await metaimage.open(request, {}))!;
  await expectFacts(backend, name);
  await backend.close?.();
});

test.each(["f4.mha", "compressed.mha", "detached.mhd", "detached-compressed.mhd"])(
  "%s by URL",
  async (name) => {
    const backend = (await metaimage.open(createRequest(new URL(`/${FOLDER}/${name}`, location.href)), {}))!;
    await expectFacts(backend, name);
    await backend.close?.();
  },
);

test("a data file that leads out is refused", async () => {
  const file = new File([headerText(tagsOf(image), "../out.raw")], "image.mhd");
  await expect(metaimage.open(createRequest(file), {})).rejects.toMatchObject({ code: "ERR_HEADER" });
});

test("compressed voxels are inflated in a Worker as well", async () => {
  const name = "compressed.mha";
  const file = new File([await bytesOf(name)], name);
  const request = createRequest(file, { readerOptions: { gzipSource: workerGzipSource } });
  const backend = (await metaimage.open(request, {}))!;
  await expectFacts(backend, name);
  await backend.close?.();
});
