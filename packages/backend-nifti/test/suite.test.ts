import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { nifti } from "@lazyimg/backend-nifti/backend";
import { bytesSource } from "@lazyimg/byte-source";
import { createRequest, type DType, type ImageDataBackend, resolveBackend, Tensor } from "@lazyimg/core";
import { backendSuite, countingSource } from "@lazyimg/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GOLDEN, golden, type NiftiCase, toNumber } from "../../../tests/support/golden.js";

const { cases } = golden<{ cases: NiftiCase[] }>("nifti/cases.json");
const { arrays } = golden<{ arrays: Record<string, string> }>("nifti/arrays.json");

/** An array of the golden vectors as a tensor. */
function tensorOf({ raw, scaled, shape }: NiftiCase, which: "raw" | "scaled"): Tensor {
  const { dtype, sha256 } = (which === "raw" ? raw : scaled)!;
  const bytes = Uint8Array.from(Buffer.from(arrays[sha256]!, "base64"));
  const arrayOf: Record<DType, (buffer: ArrayBuffer) => Tensor["data"]> = {
    int8: (buffer) => new Int8Array(buffer),
    uint8: (buffer) => new Uint8Array(buffer),
    int16: (buffer) => new Int16Array(buffer),
    uint16: (buffer) => new Uint16Array(buffer),
    int32: (buffer) => new Int32Array(buffer),
    uint32: (buffer) => new Uint32Array(buffer),
    int64: (buffer) => new BigInt64Array(buffer),
    uint64: (buffer) => new BigUint64Array(buffer),
    float32: (buffer) => new Float32Array(buffer),
    float64: (buffer) => new Float64Array(buffer),
    complex64: (buffer) => new Float32Array(buffer),
    complex128: (buffer) => new Float64Array(buffer),
  };
  return new Tensor({ data: arrayOf[dtype](bytes.buffer), dtype, shape });
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
      const stored = tensorOf(facts, "raw");
      return {
        backend,
        source,
        stored,
        expected: tensorOf(facts, "scaled"),
        affine: facts.affine.map(toNumber),
      };
    },
  });
});

test("any region of any file equals the same region of all of it, plain and gzipped", async () => {
  const bound = fc.option(fc.integer({ min: -9, max: 9 }), { nil: null });
  const step = fc.option(
    fc.integer({ min: -3, max: 3 }).filter((value) => value !== 0),
    { nil: null },
  );
  const item = fc.oneof(
    fc.constant(null),
    fc.record({ start: bound, stop: bound, step }),
    // Of any axis: the position is taken modulo its size below.
    fc.integer({ min: 0, max: 1000 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...chosen),
      fc.tuple(item, item, item, item),
      fc.boolean(),
      async (facts, items, gzipped) => {
        const file = readFileSync(`${GOLDEN}nifti/${facts.name}`);
        const { backend } = gzipped ? await open(gzipSync(file), "i.nii.gz") : await open(file, "i.nii");
        const index = items.map((value, axis) =>
          typeof value === "number" ? value % facts.shape[axis]! : value,
        );
        const region = (await backend.read(index)).contiguous();
        const expected = tensorOf(facts, "scaled").slice(index).contiguous();
        expect(region.shape).toEqual(expected.shape);
        expect(region.data).toEqual(expected.data);
      },
    ),
    { numRuns: 300 },
  );
});
