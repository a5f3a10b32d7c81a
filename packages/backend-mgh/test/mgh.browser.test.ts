import { mgh } from "@lazyimg/backend-mgh/backend";
import { createRequest, type ImageDataBackend } from "@lazyimg/core";
import { backendSuite, countingSource, volume } from "@lazyimg/testkit";
import { expect, test } from "vitest";
import { commands } from "vitest/browser";
import { mghFile } from "./mgh-file.js";

const FOLDER = "tests/golden/mgh";

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
    const source = countingSource(mghFile(image, 4));
    const backend = (await mgh.open(createRequest(source, { name: "image.mgh" }), {}))!;
    return { backend, source, expected: image.tensor.copy(), affine: image.affine, openBytes: 284 };
  },
});

test.each(["i2.mgh", "frames.mgh", "gzipped.mgz", "unplaced.mgh"])("a dropped %s", async (name) => {
  const backend = (await mgh.open(createRequest(new File([await bytesOf(name)], name)), {}))!;
  await expectFacts(backend, name);
  await backend.close?.();
});

test.each(["u2.mgh", "gzipped.mgz"])("%s by URL", async (name) => {
  const backend = (await mgh.open(createRequest(new URL(`/${FOLDER}/${name}`, location.href)), {}))!;
  await expectFacts(backend, name);
  await backend.close?.();
});
