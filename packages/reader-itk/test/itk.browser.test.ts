import { openImage } from "@lazyimg/image";
import { itk } from "@lazyimg/reader-itk/backend";
import { expect, test } from "vitest";
import { commands } from "vitest/browser";
import { type ItkFacts, tensorOf } from "./golden.js";

const folder = "tests/golden/itk";
const pipelinesBaseUrl = "/packages/reader-itk/node_modules/@itk-wasm/image-io/dist/pipelines/";

async function read(name: string): Promise<File> {
  const text = await commands.readFile(`${folder}/${name}`, { encoding: "base64" });
  return new File([Uint8Array.from(atob(text), (character) => character.charCodeAt(0))], name);
}

test.each(["slice.dcm", "int16.mnc", "rgb.png"])("a dropped %s", async (name) => {
  const facts: Record<string, ItkFacts> = JSON.parse(await commands.readFile(`${folder}/expected.json`));
  const image = await openImage(await read(name), { backends: [itk], readerOptions: { pipelinesBaseUrl } });
  expect(image.affine).toEqual(facts[name]!.affine);
  expect((await image.read()).copy("C").data).toEqual(tensorOf(facts[name]!).data);
});

test("nothing is fetched from anywhere unasked", async () => {
  const opened = openImage(await read("rgb.png"), { backends: [itk] });
  await expect(opened).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
});

test("pipelines that are not where they should be: ERR_HTTP", async () => {
  const readerOptions = { pipelinesBaseUrl: new URL("/nowhere.json/", location.href) };
  const opened = openImage(await read("flat.bmp"), { backends: [itk], readerOptions });
  await expect(opened).rejects.toMatchObject({ code: "ERR_HTTP" });
});
