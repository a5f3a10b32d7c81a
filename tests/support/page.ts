import { blobSource } from "@lazyimg/byte-source";
import {
  type BackendDescriptor,
  type BackendRequest,
  createRequest,
  type ImageDataBackend,
} from "@lazyimg/core";
import { expect, test } from "vitest";
import { commands } from "vitest/browser";
import { base64Bytes, type FormatFacts, tensorOf } from "./vectors.js";

/** A file of golden vectors, in a page. */
export async function goldenFile(folder: string, name: string): Promise<File> {
  const text = await commands.readFile(`tests/golden/${folder}/${name}`, { encoding: "base64" });
  return new File([base64Bytes(text)], name);
}

/** A JSON file of golden vectors, in a page. */
export async function goldenJson<T>(folder: string, name: string): Promise<T> {
  return JSON.parse(await commands.readFile(`tests/golden/${folder}/${name}`)) as T;
}

async function expectFacts(backend: ImageDataBackend, folder: string, name: string): Promise<void> {
  const facts = (await goldenJson<Record<string, FormatFacts>>(folder, "cases.json"))[name]!;
  expect([backend.shape, backend.dtype]).toEqual([facts.shape, facts.dtype]);
  for (const [n, value] of facts.affine.entries()) expect(backend.affine[n]).toBeCloseTo(value, 12);
  expect((await backend.toTensor()).copy("C").data).toEqual(tensorOf(facts).data);
}

/** Files of a format's golden vectors, by name. */
interface Chosen {
  readonly dropped: readonly string[];
  readonly byUrl: readonly string[];
  /** Headers, each with its data file. */
  readonly pairs?: readonly (readonly [string, string])[];
  /** One that is opened with further `readerOptions`. */
  readonly withOptions?: readonly [string, Readonly<Record<string, unknown>>];
}

/** Tests that a backend reads golden vectors of its format in a page, dropped and by URL, as the oracle does. */
export function goldenPageSuite({ open }: BackendDescriptor, folder: string, chosen: Chosen): void {
  async function check(request: BackendRequest, name: string): Promise<void> {
    const backend = (await open(request, {}))!;
    await expectFacts(backend, folder, name);
    await backend.close?.();
  }
  const { dropped, byUrl, pairs = [], withOptions } = chosen;

  test.each(dropped)("a dropped %s", async (name) => {
    await check(createRequest(await goldenFile(folder, name)), name);
  });

  for (const [name, dataFile] of pairs) {
    test(`a dropped ${name} with its data file`, async () => {
      const data = await goldenFile(folder, dataFile);
      const sibling = async (wanted: string) => (wanted === dataFile ? blobSource(data) : null);
      await check(createRequest(await goldenFile(folder, name), { sibling }), name);
    });
  }

  test.each(byUrl)("%s by URL", async (name) => {
    await check(createRequest(new URL(`/tests/golden/${folder}/${name}`, location.href)), name);
  });

  if (withOptions === undefined) return;
  const [name, readerOptions] = withOptions;
  test(`${name} with ${Object.keys(readerOptions)}`, async () => {
    await check(createRequest(await goldenFile(folder, name), { readerOptions }), name);
  });
}
