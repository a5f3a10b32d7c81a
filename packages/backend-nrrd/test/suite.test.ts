import { gzipSync } from "node:zlib";
import { nrrd } from "@lazyimg/backend-nrrd/backend";
import { createRequest, type DType, type Shape4D } from "@lazyimg/core";
import { backendSuite, countingSource, volume } from "@lazyimg/testkit";
import { misbehavingServer } from "@lazyimg/testkit/server";
import { describe, expect, test } from "vitest";
import { opened } from "../../../tests/support/formats.js";
import { fieldsOf, headerText, voxelsOf } from "./nrrd-file.js";

const SHAPE = [2, 11, 12, 13] as const;
/** Larger than what is read first. */
const LARGE = [2, 24, 25, 26] as const;
const PLANE = 24 * 25 * 4;

function parts(dtype: DType, littleEndian = true, shape: Shape4D = SHAPE) {
  const image = volume({ dtype, shape });
  return { ...image, fields: fieldsOf(image, littleEndian), voxels: voxelsOf(image.tensor, littleEndian) };
}

const attached = (fields: object, voxels: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(headerText({ ...fields })), voxels]);

async function open(bytes: Uint8Array, name = "image.nrrd") {
  const source = countingSource(bytes);
  return { source, backend: await opened(nrrd, createRequest(source, { name })) };
}

describe.each([
  ["int64", "little"],
  ["float32", "big"],
] as const)("%s, %s-endian", (dtype, endian) => {
  const { fields, voxels, tensor, affine } = parts(dtype, endian === "little");
  backendSuite({
    test,
    create: async () => ({ ...(await open(attached(fields, voxels))), expected: tensor.copy(), affine }),
  });
});

/** A header with its data file, the reads of both counted. */
async function openDetached(fields: object, data: Uint8Array, file = "image.raw") {
  const source = countingSource(data);
  const header = countingSource(Buffer.from(headerText({ ...fields, "data file": file })));
  const request = createRequest(header, {
    name: "image.nhdr",
    sibling: async (name) => (name === file ? source : null),
  });
  return { header, source, backend: await opened(nrrd, request) };
}

describe("detached", () => {
  const { fields, voxels, tensor, affine } = parts("int16");
  backendSuite({
    test,
    create: async () => {
      const { backend, source } = await openDetached(fields, voxels);
      return { backend, source, expected: tensor.copy(), affine, openBytes: 0 };
    },
  });
});

describe("gzipped", () => {
  // Larger than what is read at once of gzip.
  const { fields, voxels, tensor, affine } = parts("int16", false, [2, 13, 20, 24]);
  const file = attached({ ...fields, encoding: "gzip" }, gzipSync(voxels));
  backendSuite({
    test,
    supports: { explain: "estimate" },
    create: async () => ({ ...(await open(file)), expected: tensor.copy(), affine }),
  });
});

describe("what is read", () => {
  const { fields, voxels, tensor } = parts("float32", true, LARGE);
  const compressed = gzipSync(voxels);
  const index = [1, null, null, 12] as const;
  const plane = tensor.slice([...index]).copy("C").data;

  test("4 KiB for the header, and then a plane", async () => {
    const { source, backend } = await open(attached(fields, voxels));
    expect(source.ranges).toEqual([{ offset: 0, length: 4096 }]);
    source.reset();
    expect((await backend.read([...index])).copy("C").data).toEqual(plane);
    expect(source).toMatchObject({ requests: 1, bytes: PLANE });
  });

  test("of a long header what it takes", async () => {
    const long = { ...fields, content: "x".repeat(10_000) };
    const { source, backend } = await open(attached(long, voxels));
    expect(source.ranges).toEqual([
      { offset: 0, length: 4096 },
      { offset: 0, length: 32768 },
    ]);
    expect((await backend.read([...index])).copy("C").data).toEqual(plane);
  });

  test("of gzip nothing at opening, and up to a plane when it is read", async () => {
    expect(compressed.length).toBeGreaterThan(40_000);
    const file = attached({ ...fields, encoding: "gzip" }, compressed);
    const { source, backend } = await open(file);
    expect(source.ranges).toEqual([{ offset: 0, length: 4096 }]);
    source.reset();
    await backend.read([0, 0, 0, 0]);
    expect(source.bytes).toBeLessThanOrEqual(16384);
    expect((await backend.read([...index])).copy("C").data).toEqual(plane);
    // Once passed, it is not fetched again.
    const { bytes } = source;
    expect(bytes).toBeLessThanOrEqual(compressed.length + 4096);
    expect((await backend.read([...index])).copy("C").data).toEqual(plane);
    expect(source.bytes - bytes).toBeLessThan(compressed.length);
    await backend.close?.();
  });

  test("of a data file nothing at opening", async () => {
    for (const encoding of ["raw", "gzip"]) {
      const data = encoding === "raw" ? voxels : compressed;
      const { header, source, backend } = await openDetached({ ...fields, encoding }, data);
      expect(header).toMatchObject({ requests: 1, bytes: await header.size() });
      expect(source.requests).toBe(0);
      expect((await backend.read([...index])).copy("C").data).toEqual(plane);
      if (encoding === "raw") expect(source).toMatchObject({ requests: 1, bytes: PLANE });
      await backend.close?.();
      expect(source.closed).toBe(true);
    }
  });

  test("by URL: the header in one request, then the region of the data file", async () => {
    const names = { raw: "sub/image.raw", gzip: "image.raw.gz" };
    const text = (encoding: "raw" | "gzip") =>
      Buffer.from(headerText({ ...fields, encoding, "data file": names[encoding] }));
    const server = await misbehavingServer({
      "a b/raw.nhdr": text("raw"),
      "a b/gzip.nhdr": text("gzip"),
      "a b/sub/image.raw": voxels,
      "a b/image.raw.gz": compressed,
    });
    try {
      for (const encoding of ["raw", "gzip"] as const) {
        server.reset();
        const backend = await opened(nrrd, createRequest(`${server.url}a%20b/${encoding}.nhdr?key=1/2`));
        // The header, and the beginning of the data file, by which it is known to be there.
        expect(server.log.map(({ url }) => url)).toEqual([
          `/a%20b/${encoding}.nhdr?key=1/2`,
          `/a%20b/${names[encoding]}?key=1/2`,
        ]);
        expect(server.bytes).toBeLessThanOrEqual(8192);
        expect((await backend.read([...index])).copy("C").data).toEqual(plane);
        if (encoding === "raw") expect(server.bytes).toBeLessThanOrEqual(8192 + PLANE);
        await backend.close?.();
      }
    } finally {
      await server.close();
    }
  });
});
