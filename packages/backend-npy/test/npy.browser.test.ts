import { npy } from "@lazyimg/backend-npy/backend";
import { openImage } from "@lazyimg/image";
import { expect, test } from "vitest";
import { goldenFile, goldenJson } from "../../../tests/support/page.js";
import { type ArrayFacts, tensorOf } from "../../../tests/support/vectors.js";

test.each(["f2-big", "c16-little", "shape-F-3x4x5x6"])("a dropped %s reads as in numpy", async (name) => {
  const facts = await goldenJson<Record<string, ArrayFacts>>("npy", "expected.json");
  const image = await openImage(await goldenFile("npy", `${name}.npy`), { backends: [npy] });
  expect((await image.read()).copy("C").data).toEqual(tensorOf(facts[name]!).data);
});
