import { readFileSync } from "node:fs";
import { npy } from "@lazyimg/backend-npy/backend";
import { bytesSource } from "@lazyimg/byte-source";
import { createRequest, IDENTITY, type Index, resolveBackend, slice } from "@lazyimg/core";
import { backendSuite, countingSource } from "@lazyimg/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GOLDEN, golden } from "../../../tests/support/golden.js";
import { type ArrayFacts, anyIndex, tensorOf } from "../../../tests/support/vectors.js";

const facts = golden<Record<string, ArrayFacts>>("npy/expected.json");

async function open(bytes: Uint8Array) {
  const source = countingSource(bytesSource(bytes, { name: "image.npy" }));
  const backend = await resolveBackend(createRequest(source), { backends: [npy] });
  return { backend: backend!, source };
}

const chosen = [
  "i2-big",
  "u8-little",
  "f2-big",
  "f4-little",
  "c8-big",
  "b1",
  "shape-C-3x4x5x6",
  "shape-F-3x4x5x6",
];

describe.each(chosen)("%s", (name) => {
  // Padded, so that opening can be seen not to read everything.
  const padded = Buffer.concat([readFileSync(`${GOLDEN}npy/${name}.npy`), Buffer.alloc(8192)]);
  backendSuite({
    test,
    async create() {
      return { ...(await open(padded)), expected: tensorOf(facts[name]!), affine: IDENTITY };
    },
  });
});

test("any region of any file equals the same region of all of it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...Object.keys(facts)), anyIndex, async (name, indexOf) => {
      const all = tensorOf(facts[name]!);
      const { backend } = await open(readFileSync(`${GOLDEN}npy/${name}.npy`));
      const index = indexOf(all.shape);
      const region = (await backend.read(index)).copy("C");
      const expected = all.slice(index).copy("C");
      expect(region.shape).toEqual(expected.shape);
      expect(region.data).toEqual(expected.data);
    }),
    { numRuns: 300 },
  );
});

/** Opens a file and reads all of it, where it is an image. */
async function read(bytes: Uint8Array): Promise<void> {
  await (await open(bytes)).backend.read();
}

test("a file with any bytes of its header changed is an image, or an error of ours", async () => {
  const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(facts)),
      fc.array(change, { minLength: 1, maxLength: 8 }),
      fc.option(fc.nat(), { nil: null }),
      async (name, changes, cut) => {
        const bytes = Uint8Array.from(readFileSync(`${GOLDEN}npy/${name}.npy`));
        const header = Math.min(bytes.length, 400);
        for (const { at, byte } of changes) bytes[at % header] = byte;
        const file = cut === null ? bytes : bytes.subarray(0, cut % bytes.length);
        const error = await read(file).catch((reason: unknown) => reason);
        if (error !== undefined) expect(error).toMatchObject({ name: "LazyImageError" });
      },
    ),
    { numRuns: 1000 },
  );
});

describe("bytes and requests", () => {
  const SHAPE = [64, 128, 96];
  const text = `{'descr': '<i2', 'fortran_order': False, 'shape': (${SHAPE.join(", ")}), }`.padEnd(117);
  const header = Buffer.from(`\x93NUMPY\x01\0\x76\0${text}\n`, "latin1");
  const bytes = Buffer.concat([header, Buffer.alloc(2 * 64 * 128 * 96)]);

  const regions: [string, Index, number, number][] = [
    ["a sagittal slice, which lies in one piece", [0, 31], 2 * 128 * 96, 1],
    ["a row", [0, 31, 60], 2 * 96, 1],
    ["a voxel", [0, 31, 60, 7], 2, 1],
    ["half of them", [0, slice(0, 32)], 128 * 96 * 64, 1],
  ];
  test.each(regions)("%s", async (_, index, expectedBytes, requests) => {
    const { backend, source } = await open(bytes);
    expect(source.bytes).toBeLessThanOrEqual(4096);
    expect(source.requests).toBe(1);
    source.reset();
    const plan = backend.explain!(index);
    await backend.read(index);
    expect(source).toMatchObject({ bytes: expectedBytes, requests });
    expect(plan).toMatchObject({ bytes: expectedBytes, requests, outputBytes: expectedBytes });
  });
});
