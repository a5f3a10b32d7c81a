import { mgh } from "@lazyimg/backend-mgh/backend";
import { createRequest } from "@lazyimg/core";
import { backendSuite, countingSource, volume } from "@lazyimg/testkit";
import { test } from "vitest";
import { goldenPageSuite } from "../../../tests/support/page.js";
import { mghFile } from "./mgh-file.js";

const image = volume({ dtype: "int16", shape: [2, 11, 12, 13] });

backendSuite({
  test,
  async create() {
    const source = countingSource(mghFile(image, 4));
    const backend = (await mgh.open(createRequest(source, { name: "image.mgh" }), {}))!;
    return { backend, source, expected: image.tensor.copy(), affine: image.affine, openBytes: 284 };
  },
});

goldenPageSuite(mgh, "mgh", {
  dropped: ["i2.mgh", "frames.mgh", "gzipped.mgz", "unplaced.mgh"],
  byUrl: ["u2.mgh", "gzipped.mgz"],
});
