import { createRequest, defineBackend, type LazyReader, resolveBackend } from "@lazyimg/core";
import { lazyReader } from "@lazyimg/reader-lazy/backend";
import { backendSuite, countingSource, volume } from "@lazyimg/testkit";
import { describe, test } from "vitest";
import { rawReader } from "./raw-reader.js";

const { tensor, affine } = volume({ dtype: "float32", shape: [2, 9, 10, 11] });
const bytes = new Uint8Array(tensor.data.slice().buffer);

/** Opens the way an image does: the reader is part of the request. */
async function open(reader: LazyReader, override?: typeof affine) {
  const source = countingSource(bytes);
  const request = createRequest(source, { reader, ...(override && { affine: override }) });
  const backend = await resolveBackend(request, { backends: [lazyReader] });
  if (backend === null) throw new Error("The lazy reader was not asked.");
  return { backend, source, expected: tensor, affine: override ?? affine };
}

describe("a reader that knows the affine", () => {
  backendSuite({ test, create: () => open(rawReader(tensor.shape, affine)) });
});

describe("an affine in the request", () => {
  const override = [1, 0, 0, 5, 0, 0, 1, 6, 0, -1, 0, 7, 0, 0, 0, 1];
  backendSuite({ test, create: () => open(rawReader(tensor.shape, affine), Object.freeze(override)) });
});

describe("a reader of voxels in memory", () => {
  const reader: LazyReader = {
    createBackend: async () =>
      defineBackend({
        shape: tensor.shape,
        affine,
        dtype: tensor.dtype,
        strided: true,
        readRegion: async (range) =>
          tensor
            .slice(range.map(({ start, step, size }) => ({ start, stop: start + step * size, step })))
            .copy(),
      }),
  };
  backendSuite({
    test,
    supports: { explain: false },
    create: async () => ({ ...(await open(reader)), source: tensor, expected: tensor.copy() }),
  });
});
