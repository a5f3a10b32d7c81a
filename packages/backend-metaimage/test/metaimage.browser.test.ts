import { metaimage } from "@lazyimg/backend-metaimage/backend";
import { blobSource } from "@lazyimg/byte-source";
import { createRequest } from "@lazyimg/core";
import { workerGzipSource } from "@lazyimg/seekable-gzip/worker";
import { backendSuite, countingSource, volume } from "@lazyimg/testkit";
import { expect, test } from "vitest";
import { goldenPageSuite } from "../../../tests/support/page.js";
import { headerText, tagsOf, voxelsOf } from "./meta-file.js";

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

goldenPageSuite(metaimage, "metaimage", {
  dropped: ["i2.mha", "compressed.mha", "color-compressed.mha", "time.mha", "big-endian.mha"],
  pairs: [
    ["detached.mhd", "detached.raw"],
    ["detached-compressed.mhd", "detached-compressed.zraw"],
  ],
  byUrl: ["f4.mha", "compressed.mha", "detached.mhd", "detached-compressed.mhd"],
  // Compressed voxels are inflated in a Worker as well.
  withOptions: ["compressed.mha", { gzipSource: workerGzipSource }],
});

test("a data file that leads out is refused", async () => {
  const file = new File([headerText(tagsOf(image), "../out.raw")], "image.mhd");
  await expect(metaimage.open(createRequest(file), {})).rejects.toMatchObject({ code: "ERR_HEADER" });
});
