import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { nifti } from "@lazyimg/backend-nifti/backend";
import { bytesSource } from "@lazyimg/byte-source";
import { bytesOf, createRequest, type ImageDataBackend, resolveBackend, type Tensor } from "@lazyimg/core";
import { encodeNiftiHeader } from "@lazyimg/nifti-header";
import { backendSuite, countingSource, volume } from "@lazyimg/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GOLDEN, golden, type NiftiCase, toNumber } from "../../../tests/support/golden.js";
import { anyIndex, tensorOf } from "../../../tests/support/vectors.js";

const { cases } = golden<{ cases: NiftiCase[] }>("nifti/cases.json");
const { arrays } = golden<{ arrays: Record<string, string> }>("nifti/arrays.json");

/** An array of the golden vectors as a tensor. */
function arrayOf({ raw, scaled, shape }: NiftiCase, which: "raw" | "scaled"): Tensor {
  const { dtype, sha256 } = (which === "raw" ? raw : scaled)!;
  return tensorOf({ dtype, shape, data: arrays[sha256]! });
}

/** Every file of nibabel's that tells something new about reading: types, ranks, scalings, both byte orders. */
const chosen = cases.filter(
  ({ name, expect: outcome, raw, scaled }) =>
    outcome === "ok" &&
    /^(dtype|rank|scaling)\//.test(name) &&
    name.endsWith(".nii") &&
    arrays[raw?.sha256 ?? ""] !== undefined &&
    arrays[scaled?.sha256 ?? ""] !== undefined,
);

async function open(
  bytes: Uint8Array,
  name: string,
): Promise<{ backend: ImageDataBackend; source: ReturnType<typeof countingSource> }> {
  const source = countingSource(bytesSource(bytes, { name }));
  const backend = await resolveBackend(createRequest(source), { backends: [nifti] });
  return { backend: backend!, source };
}

// Colours are as many as the example has planes, which the suite refuses as ambiguous; the property below has them.
describe.each(chosen.filter(({ name }, n) => n % 6 === 0 && !name.includes("rgb")))("$name", (facts) => {
  const plain = readFileSync(`${GOLDEN}nifti/${facts.name}`);
  // Padded, so that opening can be seen not to read everything.
  const padded = Buffer.concat([plain, Buffer.alloc(8192)]);
  backendSuite({
    test,
    async create() {
      const { backend, source } = await open(padded, "image.nii");
      const stored = arrayOf(facts, "raw");
      return {
        backend,
        source,
        stored,
        expected: arrayOf(facts, "scaled"),
        affine: facts.affine.map(toNumber),
      };
    },
  });
});

describe("gzipped", () => {
  // Larger than what opening reads.
  const { tensor, affine } = volume({ dtype: "int16", shape: [1, 20, 24, 26] });
  const init = { shape: tensor.shape, affine, dtype: "int16", littleEndian: true, singleFile: true } as const;
  const file = gzipSync(Buffer.concat([encodeNiftiHeader(init), bytesOf(tensor.copy("F").data)]));
  backendSuite({
    test,
    supports: { explain: "estimate" },
    create: async () => ({ ...(await open(file, "i.nii.gz")), expected: tensor, affine, openBytes: 16384 }),
  });
});

describe("a pair", () => {
  const { tensor, affine } = volume({ dtype: "int16", shape: [1, 11, 12, 13] });
  const init = {
    shape: tensor.shape,
    affine,
    dtype: "int16",
    littleEndian: true,
    singleFile: false,
  } as const;
  const header = bytesSource(encodeNiftiHeader(init), { name: "i.hdr" });
  backendSuite({
    test,
    async create() {
      // Padded, so that opening can be seen not to read everything.
      const source = countingSource(Buffer.concat([bytesOf(tensor.copy("F").data), Buffer.alloc(8192)]));
      const sibling = async (name: string) => (name === "i.img" ? source : null);
      const request = createRequest(header, { sibling });
      const backend = (await resolveBackend(request, { backends: [nifti] }))!;
      return { backend, source, expected: tensor, affine };
    },
  });
});

test("any region of any file equals the same region of all of it, plain and gzipped", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...chosen), anyIndex, fc.boolean(), async (facts, indexOf, gzipped) => {
      const file = readFileSync(`${GOLDEN}nifti/${facts.name}`);
      const { backend } = gzipped ? await open(gzipSync(file), "i.nii.gz") : await open(file, "i.nii");
      const index = indexOf(facts.shape);
      const region = (await backend.read(index)).contiguous();
      const expected = arrayOf(facts, "scaled").slice(index).contiguous();
      expect(region.shape).toEqual(expected.shape);
      expect(region.data).toEqual(expected.data);
    }),
    { numRuns: 300 },
  );
});
