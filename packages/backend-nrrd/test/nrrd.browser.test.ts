import { nrrd } from "@lazyimg/backend-nrrd/backend";
import { blobSource } from "@lazyimg/byte-source";
import { createRequest } from "@lazyimg/core";
import { backendSuite, countingSource, volume } from "@lazyimg/testkit";
import { expect, test } from "vitest";
import { goldenPageSuite } from "../../../tests/support/page.js";
import { fieldsOf, headerText, voxelsOf } from "./nrrd-file.js";

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

goldenPageSuite(nrrd, "nrrd", {
  dropped: ["i2-big.nrrd", "gzip.nrrd", "list-between.nrrd", "complex-f4.nrrd", "skip-gzip.nrrd"],
  pairs: [
    ["elsewhere.nhdr", "elsewhere.raw"],
    ["detached-gzip.nhdr", "detached-gzip.raw.gz"],
  ],
  byUrl: ["f4-little.nrrd", "gzip.nrrd", "elsewhere.nhdr"],
});

test("a data file that leads out is refused", async () => {
  const file = new File([headerText({ ...fieldsOf(image), "data file": "../out.raw" })], "image.nhdr");
  await expect(nrrd.open(createRequest(file), {})).rejects.toMatchObject({ code: "ERR_HEADER" });
});
