import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { mif } from "@lazyimg/backend-mif/backend";
import { bytesSource } from "@lazyimg/byte-source";
import { allocate, bytesOf, createRequest, type Index, resolveBackend } from "@lazyimg/core";
import { backendSuite, countingSource, volume } from "@lazyimg/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GOLDEN, golden } from "../../../tests/support/golden.js";
import { anyIndex, tensorOf } from "../../../tests/support/vectors.js";
import type { MifFacts } from "./golden.js";

const facts = golden<Record<string, MifFacts>>("mif/expected.json");
const read = (name: string) => readFileSync(`${GOLDEN}mif/${name}`);

async function open(bytes: Uint8Array, name: string) {
  const source = countingSource(bytesSource(bytes, { name }));
  const sibling = async (file: string) => (file === "pair.dat" ? bytesSource(read(file)) : null);
  const request = createRequest(source, { sibling });
  return { backend: (await resolveBackend(request, { backends: [mif] }))!, source };
}

const chosen = [
  "Bit",
  "Int8",
  "UInt16BE",
  "CFloat32LE",
  "scaled",
  "layout-0",
  "layout-3",
  "volumes-1",
  "volumes-3",
];

describe.each(chosen)("%s", (name) => {
  const { affine, stored, scaled = stored } = facts[`${name}.mif`]!;
  // Padded, so that opening can be seen not to read everything.
  const padded = Buffer.concat([read(`${name}.mif`), Buffer.alloc(8192)]);
  backendSuite({
    test,
    async create() {
      const { backend, source } = await open(padded, "image.mif");
      // The oracle's is rounded to float32; golden.test.ts compares the two.
      const close = backend.affine.every((value, n) => Math.abs(value - affine[n]!) < 1e-4);
      return {
        ...{ backend, source, affine: close ? backend.affine : affine },
        ...{ expected: tensorOf(scaled), stored: tensorOf(stored) },
      };
    },
  });
});

describe("gzipped", () => {
  const { tensor, affine } = volume({ dtype: "int16", shape: [2, 24, 20, 16] });
  const rows = [0, 4, 8].map((n) => `transform: ${affine.slice(n, n + 4)}`);
  const lines = [
    "mrtrix image",
    "dim: 24,20,16,2",
    "vox: 1,1,1,nan",
    "layout: +2,+1,+0,+3",
    "datatype: Int16LE",
    ...rows,
  ];
  const head = Buffer.from([...lines, "file: . 400", "END\n"].join("\n").padEnd(400));
  const file = gzipSync(Buffer.concat([head, bytesOf(tensor.contiguous("C").data)]));
  backendSuite({
    test,
    supports: { explain: "estimate" },
    create: async () => ({
      ...(await open(file, "image.mif.gz")),
      expected: tensor,
      affine,
      openBytes: 20_000,
    }),
  });

  test("opening reads at most 20 KB", async () => {
    // Noise, which gzip leaves as long as it is.
    const { source } = await open(gzipSync(Buffer.concat([head, randomBytes(2 ** 20)])), "image.mif.gz");
    expect(source.bytes).toBeLessThanOrEqual(20_000);
    expect(source.requests).toBe(1);
  });
});

test("any region of any file equals the same region of all of it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(facts)),
      anyIndex,
      fc.boolean(),
      async (name, indexOf, into) => {
        const { stored } = facts[name]!;
        const { backend } = await open(read(name), name);
        const index = indexOf(stored.shape);
        const expected = tensorOf(stored).slice(index).copy("C");
        const out = into ? allocate(stored.dtype, expected.size) : undefined;
        const region = (await backend.read(index, { scaled: false, out })).copy("C");
        expect(region.shape).toEqual(expected.shape);
        expect(region.data).toEqual(expected.data);
      },
    ),
    { numRuns: 500 },
  );
});

/** Opens a file and reads all of it, where it is an image. */
async function readAll(bytes: Uint8Array, name: string): Promise<void> {
  await (await open(bytes, name)).backend.read();
}

test("a file with any bytes of its header changed is an image, or an error of ours", async () => {
  const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(facts)),
      fc.array(change, { minLength: 1, maxLength: 8 }),
      fc.option(fc.nat(), { nil: null }),
      async (name, changes, cut) => {
        const bytes = Uint8Array.from(read(name));
        const header = Math.min(bytes.length, 400);
        for (const { at, byte } of changes) bytes[at % header] = byte;
        const file = cut === null ? bytes : bytes.subarray(0, cut % bytes.length);
        const error = await readAll(file, name).catch((reason: unknown) => reason);
        if (error !== undefined) expect(error).toMatchObject({ name: "LazyImageError" });
      },
    ),
    { numRuns: 1000 },
  );
});

describe("bytes and requests", () => {
  const lines = ["mrtrix image", "dim: 64,128,96", "vox: 1,1,1", "layout: -0,-1,+2"];
  const file = (datatype: string, bytes: number) => {
    const head = Buffer.from([...lines, `datatype: ${datatype}`, "file: . 256", "END\n"].join("\n"));
    return Buffer.concat([head, Buffer.alloc(256 - head.length + bytes)]);
  };
  const int16 = file("Int16LE", 2 * 64 * 128 * 96);
  const bit = file("Bit", (64 * 128 * 96) / 8);

  const regions: [string, Uint8Array, Index, number][] = [
    ["an axial slice, which lies in one piece", int16, [0, null, null, 31], 2 * 64 * 128],
    ["a row", int16, [0, null, 60, 31], 2 * 64],
    ["a voxel", int16, [0, 7, 60, 31], 2],
    ["an axial slice of a mask", bit, [0, null, null, 31], (64 * 128) / 8],
    ["a voxel of a mask", bit, [0, 7, 60, 31], 1],
  ];
  test.each(regions)("%s", async (_, bytes, index, expected) => {
    const { backend, source } = await open(bytes, "a.mif");
    expect(source).toMatchObject({ bytes: 4096, requests: 1 });
    source.reset();
    const plan = backend.explain!(index);
    const tensor = await backend.read(index);
    expect(source).toMatchObject({ bytes: expected, requests: 1 });
    expect(plan).toMatchObject({ bytes: expected, requests: 1, outputBytes: tensor.data.byteLength });
  });
});
