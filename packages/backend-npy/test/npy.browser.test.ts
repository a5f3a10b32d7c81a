import { npy } from "@lazyimg/backend-npy/backend";
import { openImage } from "@lazyimg/image";
import { expect, test } from "vitest";
import { commands } from "vitest/browser";
import { expectedTensor, type NpyFacts } from "./golden.js";

test("a dropped file reads as in numpy", async () => {
  const folder = "tests/golden/npy";
  const facts: Record<string, NpyFacts> = JSON.parse(await commands.readFile(`${folder}/expected.json`));
  for (const name of ["f2-big", "c16-little", "shape-F-3x4x5x6"]) {
    const text = await commands.readFile(`${folder}/${name}.npy`, { encoding: "base64" });
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const image = await openImage(new File([bytes], `${name}.npy`), { backends: [npy] });
    expect((await image.read()).copy("C").data).toEqual(expectedTensor(facts[name]!).data);
  }
});
