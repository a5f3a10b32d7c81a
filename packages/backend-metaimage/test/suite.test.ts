import { deflateSync, gzipSync } from "node:zlib";
import { metaimage } from "@lazyimg/backend-metaimage/backend";
import { createRequest, type DType, type Shape4D } from "@lazyimg/core";
import { backendSuite, countingSource, volume } from "@lazyimg/testkit";
import { misbehavingServer } from "@lazyimg/testkit/server";
import { describe, expect, test } from "vitest";
import { opened } from "../../../tests/support/formats.js";
import { headerText, tagsOf, voxelsOf } from "./meta-file.js";

const SHAPE = [2, 11, 12, 13] as const;
/** Larger than what is read first. */
const LARGE = [1, 24, 25, 52] as const;
const PLANE = 24 * 25 * 4;

function parts(dtype: DType, littleEndian = true, shape: Shape4D = SHAPE) {
  const image = volume({ dtype, shape });
  return { ...image, tags: tagsOf(image, littleEndian), voxels: voxelsOf(image.tensor, littleEndian) };
}

const attached = (tags: Record<string, unknown>, voxels: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(headerText(tags)), voxels]);

async function open(bytes: Uint8Array, name = "image.mha") {
  const source = countingSource(bytes);
  return { source, backend: await opened(metaimage, createRequest(source, { name })) };
}

/** A header with its data file, the reads of both counted. */
async function openDetached(tags: Record<string, unknown>, data: Uint8Array, file = "image.raw") {
  const source = countingSource(data);
  const header = countingSource(Buffer.from(headerText(tags, file)));
  const request = createRequest(header, {
    name: "image.mhd",
    sibling: async (name) => (name === file ? source : null),
  });
  return { header, source, backend: await opened(metaimage, request) };
}

describe.each([
  ["int64", "little"],
  ["float32", "big"],
] as const)("%s, %s-endian", (dtype, endian) => {
  const { tags, voxels, tensor, affine } = parts(dtype, endian === "little");
  backendSuite({
    test,
    create: async () => ({ ...(await open(attached(tags, voxels))), expected: tensor.copy(), affine }),
  });
});

describe("detached", () => {
  const { tags, voxels, tensor, affine } = parts("int16");
  backendSuite({
    test,
    create: async () => {
      const { backend, source } = await openDetached(tags, voxels);
      return { backend, source, expected: tensor.copy(), affine, openBytes: 0 };
    },
  });
});

describe("compressed", () => {
  // Larger than what is read at once of zlib.
  const { tags, voxels, tensor, affine } = parts("int16", false, [2, 13, 20, 24]);
  const compressed = deflateSync(voxels);
  const file = attached(
    { ...tags, CompressedData: "True", CompressedDataSize: compressed.length },
    compressed,
  );
  backendSuite({
    test,
    supports: { explain: "estimate" },
    create: async () => ({ ...(await open(file)), expected: tensor.copy(), affine }),
  });
});

describe("what is read", () => {
  const { tags, voxels, tensor } = parts("float32", true, LARGE);
  const compressed = deflateSync(voxels);
  const index = [0, null, null, 12] as const;
  const plane = tensor.slice([...index]).copy("C").data;
  const zlib = { ...tags, CompressedData: "True", CompressedDataSize: compressed.length };

  test("4 KiB for the header, and then a plane", async () => {
    const { source, backend } = await open(attached(tags, voxels));
    expect(source.ranges).toEqual([{ offset: 0, length: 4096 }]);
    source.reset();
    expect((await backend.read([...index])).copy("C").data).toEqual(plane);
    expect(source).toMatchObject({ requests: 1, bytes: PLANE });
  });

  test("of a long header what it takes", async () => {
    const { source, backend } = await open(attached({ Comment: "x".repeat(10_000), ...tags }, voxels));
    expect(source.ranges).toEqual([
      { offset: 0, length: 4096 },
      { offset: 0, length: 32768 },
    ]);
    expect((await backend.read([...index])).copy("C").data).toEqual(plane);
  });

  test("of compressed voxels nothing at opening, and up to a plane when it is read", async () => {
    expect(compressed.length).toBeGreaterThan(40_000);
    // What lies behind is not theirs.
    const { source, backend } = await open(attached(zlib, Buffer.concat([compressed, Buffer.from("more")])));
    expect(source.ranges).toEqual([{ offset: 0, length: 4096 }]);
    source.reset();
    await backend.read([0, 0, 0, 0]);
    expect(source.bytes).toBeLessThanOrEqual(16384);
    expect((await backend.read([...index])).copy("C").data).toEqual(plane);
    expect((await backend.toTensor()).copy("C").data).toEqual(tensor.copy("C").data);
    await backend.close?.();
  });

  test("of a data file nothing at opening", async () => {
    for (const [more, data] of [
      [{}, voxels],
      [zlib, compressed],
      [{ CompressedData: "True" }, compressed],
      // ITK's reader takes gzip, too.
      [{ CompressedData: "True" }, gzipSync(voxels)],
    ] as const) {
      const { header, source, backend } = await openDetached({ ...tags, ...more }, data);
      expect(header).toMatchObject({ requests: 1, bytes: await header.size() });
      expect(source.requests).toBe(0);
      expect((await backend.read([...index])).copy("C").data).toEqual(plane);
      if (data === voxels) expect(source).toMatchObject({ requests: 1, bytes: PLANE });
      await backend.close?.();
      expect(source.closed).toBe(true);
    }
  });

  test("by URL: the header in one request, then the region of the data file", async () => {
    const server = await misbehavingServer({
      "a b/raw.mhd": Buffer.from(headerText(tags, "sub/image.raw")),
      "a b/zlib.mhd": Buffer.from(headerText(zlib, "image.zraw")),
      "a b/sub/image.raw": voxels,
      "a b/image.zraw": compressed,
    });
    try {
      for (const [name, file] of [
        ["raw", "sub/image.raw"],
        ["zlib", "image.zraw"],
      ] as const) {
        server.reset();
        const backend = await opened(metaimage, createRequest(`${server.url}a%20b/${name}.mhd?key=1/2`));
        // The header, and the beginning of the data file, by which it is known to be there.
        expect(server.log.map(({ url }) => url)).toEqual([
          `/a%20b/${name}.mhd?key=1/2`,
          `/a%20b/${file}?key=1/2`,
        ]);
        expect(server.bytes).toBeLessThanOrEqual(8192);
        expect((await backend.read([...index])).copy("C").data).toEqual(plane);
        if (name === "raw") expect(server.bytes).toBeLessThanOrEqual(8192 + PLANE);
        await backend.close?.();
      }
    } finally {
      await server.close();
    }
  });
});
