import { nrrd } from "@lazyimg/backend-nrrd/backend";
import { blobSource } from "@lazyimg/byte-source";
import { createRequest, type ImageDataBackend } from "@lazyimg/core";
import { backendSuite, countingSource, volume } from "@lazyimg/testkit";
import { expect, test } from "vitest";
import { commands } from "vitest/browser";
import { fieldsOf, headerText, voxelsOf } from "./nrrd-file.js";

const FOLDER = "tests/golden/nrrd";

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
    const file = new Blob([headerText(fieldsOf(image)), new Uint8Array(voxelsOf(image.tensor))]);
    const source = countingSource(blobSource(file));
    const backend = (await nrrd.open(createRequest(source, { name: "image.nrrd" }), {}))!;
    return { backend, source, expected: image.tensor.copy(), affine: image.affine };
  },
});

test.each(["i2-big.nrrd", "gzip.nrrd", "list-between.nrrd", "complex-f4.nrrd", "skip-gzip.nrrd"])(
  "a dropped %s",
  async (name) => {
    const backend = (await nrrd.open(createRequest(new File([await bytesOf(name)], name)), {}))!;
    await expectFacts(backend, name);
    await backend.close?.();
  },
);

test.each([
  ["elsewhere.nhdr", "elsewhere.raw"],
  ["detached-gzip.nhdr", "detached-gzip.raw.gz"],
])("a dropped %s with its data file", async (name, file) => {
  const data = new Blob([await bytesOf(file)]);
  const request = createRequest(new File([await bytesOf(name)], name), {
    sibling: async (wanted) => (wanted === file ? blobSource(data) : null),
  });
  const backend = (await nrrd.open(request, {}))!;
  await expectFacts(backend, name);
  await backend.close?.();
});

test.each(["f4-little.nrrd", "gzip.nrrd", "elsewhere.nhdr"])("%s by URL", async (name) => {
  const backend = (await nrrd.open(createRequest(new URL(`/${FOLDER}/${name}`, location.href)), {}))!;
  await expectFacts(backend, name);
  await backend.close?.();
});

test("a data file that leads out is refused", async () => {
  const file = new File([headerText({ ...fieldsOf(image), "data file": "../out.raw" })], "image.nhdr");
  await expect(nrrd.open(createRequest(file), {})).rejects.toMatchObject({ code: "ERR_HEADER" });
});
