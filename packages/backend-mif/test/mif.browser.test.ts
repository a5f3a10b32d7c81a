import { mif } from "@lazyimg/backend-mif/backend";
import { bytesSource } from "@lazyimg/byte-source";
import { openImage } from "@lazyimg/image";
import { expect, test } from "vitest";
import { commands } from "vitest/browser";
import { type MifFacts, tensorOf } from "./golden.js";

const folder = "tests/golden/mif";

async function read(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const text = await commands.readFile(`${folder}/${name}`, { encoding: "base64" });
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

test.each(["Bit.mif", "volumes-3.mif", "gzipped.mif.gz", "pair.mih"])("a dropped %s", async (name) => {
  const facts: Record<string, MifFacts> = JSON.parse(await commands.readFile(`${folder}/expected.json`));
  const image = await openImage(new File([await read(name)], name), {
    backends: [mif],
    sibling: async (file) => bytesSource(await read(file)),
  });
  expect((await image.read()).copy("C").data).toEqual(tensorOf(facts[name]!.stored).data);
});
