import { mif } from "@lazyimg/backend-mif/backend";
import { blobSource } from "@lazyimg/byte-source";
import { openImage } from "@lazyimg/image";
import { expect, test } from "vitest";
import { goldenFile, goldenJson } from "../../../tests/support/page.js";
import { tensorOf } from "../../../tests/support/vectors.js";
import type { MifFacts } from "./golden.js";

test.each(["Bit.mif", "volumes-3.mif", "gzipped.mif.gz", "pair.mih"])("a dropped %s", async (name) => {
  const facts = await goldenJson<Record<string, MifFacts>>("mif", "expected.json");
  const image = await openImage(await goldenFile("mif", name), {
    backends: [mif],
    sibling: async (file) => blobSource(await goldenFile("mif", file)),
  });
  expect((await image.read()).copy("C").data).toEqual(tensorOf(facts[name]!.stored).data);
});
