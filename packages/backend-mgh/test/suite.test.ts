import { gzipSync } from "node:zlib";
import { mgh } from "@lazyimg/backend-mgh/backend";
import { createRequest, type Shape4D, slice } from "@lazyimg/core";
import { backendSuite, type CountingSource, countingSource, type Volume, volume } from "@lazyimg/testkit";
import { describe, expect, test } from "vitest";
import { opened } from "../../../tests/support/formats.js";
import { mghFile } from "./mgh-file.js";

const TYPES = { float32: 3, int16: 4 };
const SHAPE = [2, 11, 12, 13] as const;
/** Larger than what is read first of gzip. */
const LARGE = [2, 24, 25, 26] as const;

function file(dtype: keyof typeof TYPES, shape: Shape4D = SHAPE): Volume & { readonly bytes: Uint8Array } {
  const image = volume({ dtype, shape });
  return { ...image, bytes: mghFile(image, TYPES[dtype]) };
}

async function open(bytes: Uint8Array, name: string) {
  const source = countingSource(bytes);
  return { source, backend: await opened(mgh, createRequest(source, { name })) };
}

describe.each(["int16", "float32"] as const)("%s", (dtype) => {
  const { bytes, tensor, affine } = file(dtype);
  backendSuite({
    test,
    create: async () => ({
      ...(await open(bytes, "image.mgh")),
      expected: tensor.copy(),
      affine,
      openBytes: 284,
    }),
  });
});

describe("gzipped", () => {
  // Larger than what opening reads of gzip.
  const { bytes, tensor, affine } = file("int16", [2, 13, 20, 24]);
  const compressed = gzipSync(bytes);
  backendSuite({
    test,
    supports: { explain: "estimate" },
    create: async () => ({
      ...(await open(compressed, "image.mgz")),
      expected: tensor.copy(),
      affine,
      openBytes: 16384,
    }),
  });
});

describe("what is read", () => {
  const { bytes, tensor } = file("float32", LARGE);
  const plane = async (source: CountingSource, backend: Awaited<ReturnType<typeof opened>>) => {
    source.reset();
    const read = await backend.read([1, null, null, slice(12, 13)]);
    expect(read.copy("C").data).toEqual(tensor.slice([1, null, null, slice(12, 13)]).copy("C").data);
  };

  test("the header alone, and then a plane", async () => {
    const { source, backend } = await open(bytes, "image.mgh");
    expect(source.ranges).toEqual([{ offset: 0, length: 284 }]);
    await plane(source, backend);
    expect(source).toMatchObject({ requests: 1, bytes: 24 * 25 * 4 });
  });

  test("of .mgz its first 16 KiB, and then no more than lies before a plane", async () => {
    const compressed = gzipSync(bytes);
    expect(compressed.length).toBeGreaterThan(40_000);
    const { source, backend } = await open(compressed, "image.mgz");
    expect(source.ranges).toEqual([{ offset: 0, length: 16384 }]);
    source.reset();
    const first = await backend.read([0, null, null, 0]);
    expect(first.copy("C").data).toEqual(tensor.slice([0, null, null, 0]).copy("C").data);
    expect(source.bytes).toBe(0);
    await plane(source, backend);
    expect(source.bytes).toBeLessThanOrEqual(compressed.length - 16384);
    await backend.close?.();
  });

  test("a file is gzipped or not, whatever its name", async () => {
    for (const name of ["image.mgh", "image.mgz", "IMAGE.MGH.GZ"]) {
      for (const content of [bytes, gzipSync(bytes)]) {
        const { source, backend } = await open(content, name);
        await plane(source, backend);
      }
    }
  });
});
