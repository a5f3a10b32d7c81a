import { readFileSync } from "node:fs";
import type { BackendDescriptor, DType, ImageDataBackend, IndexItem, Shape4D } from "@lazyimg/core";
import { allocate, bytesOf, DTYPES, Tensor } from "@lazyimg/core";
import fc from "fast-check";
import { expect } from "vitest";
import { GOLDEN } from "./golden.js";

/** What the vectors of a format say of a file; further members are the format's own. */
export interface FormatFacts {
  readonly shape: Shape4D;
  readonly dtype: DType;
  readonly affine: readonly number[];
  /** Base64 of all voxels in C order of (C, I, J, K), little-endian. */
  readonly data: string;
}

/** A file of a format's vectors. */
export interface FormatCase<Facts extends FormatFacts = FormatFacts> {
  readonly name: string;
  readonly path: string;
  readonly facts: Facts;
  readonly expected: Tensor;
}

/** Every file of the golden vectors that `tools/oracle/formats.py` made of a format. */
export function formatCases<Facts extends FormatFacts>(folder: string): FormatCase<Facts>[] {
  const all = JSON.parse(readFileSync(`${GOLDEN}${folder}/cases.json`, "utf8")) as Record<string, Facts>;
  return Object.entries(all).map(([name, facts]) => ({
    name,
    path: `${GOLDEN}${folder}/${name}`,
    facts,
    expected: tensorOf(facts),
  }));
}

function tensorOf({ shape, dtype, data }: FormatFacts): Tensor {
  const bytes = Buffer.from(data, "base64");
  const values = allocate(dtype, bytes.length / DTYPES[dtype].itemSize);
  bytesOf(values).set(bytes);
  return new Tensor({ data: values, dtype, shape });
}

/** Checks that an image is what the vectors say. */
export async function expectImage(backend: ImageDataBackend, { facts, expected }: FormatCase): Promise<void> {
  expect(backend.shape).toEqual(facts.shape);
  expect(backend.dtype).toBe(facts.dtype);
  for (const [n, value] of facts.affine.entries()) {
    // ITK splits steps into directions and spacings, which rounds; what we read is the file's own.
    expect(Math.abs(backend.affine[n]! - value), `affine[${n}]`).toBeLessThanOrEqual(
      1e-14 * Math.max(1, Math.abs(value)),
    );
  }
  expect((await backend.toTensor()).copy("C").data).toEqual(expected.data);
}

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

/** Checks that any region of any of the files is that of all of it. */
export async function expectRegions(cases: readonly FormatCase[], open: OpenCase): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...cases), fc.tuple(item, item, item, item), async (chosen, items) => {
      const index: IndexItem[] = items.map((value, axis) =>
        typeof value === "number" ? value % chosen.facts.shape[axis]! : value,
      );
      const backend = await open(chosen);
      const region = (await backend.read(index)).contiguous();
      await backend.close?.();
      const expected = chosen.expected.slice(index).contiguous();
      expect(region.shape).toEqual(expected.shape);
      expect(region.data).toEqual(expected.data);
    }),
    { numRuns: 300 },
  );
}

/** Opens a file of the vectors. */
export type OpenCase = (chosen: FormatCase) => Promise<ImageDataBackend>;

/** What a descriptor opens, which must not decline. */
export async function opened(
  { open }: BackendDescriptor,
  request: Parameters<BackendDescriptor["open"]>[0],
): Promise<ImageDataBackend> {
  const backend = await open(request, {});
  if (backend === null) throw new Error("It was declined.");
  return backend;
}

/** Checks that a file that is damaged anywhere near its beginning is read, or refused with a `LazyImageError`. */
export async function expectNoHarm(
  file: Uint8Array,
  read: (bytes: Uint8Array) => Promise<unknown>,
): Promise<void> {
  const place = fc.nat(Math.min(file.length - 1, 400));
  const damage = fc.oneof(
    // Another byte, digits where there were none, a piece that is missing, one that comes twice.
    fc.tuple(place, fc.nat(255)).map(([at, byte]) => file.with(at, byte)),
    fc
      .tuple(place, fc.stringMatching(/^[-0-9. e()\n]{1,12}$/))
      .map(([at, text]) => Buffer.concat([file.subarray(0, at), Buffer.from(text), file.subarray(at)])),
    fc
      .tuple(place, fc.nat(60))
      .map(([at, length]) => Buffer.concat([file.subarray(0, at), file.subarray(at + length)])),
    fc
      .tuple(place, fc.nat(60))
      .map(([at, length]) => Buffer.concat([file.subarray(0, at + length), file.subarray(at)])),
  );
  await fc.assert(
    fc.asyncProperty(damage, async (bytes) => {
      const error: unknown = await read(bytes).then(
        () => null,
        (reason: unknown) => reason,
      );
      if (error !== null)
        expect(error).toMatchObject({ name: "LazyImageError", code: expect.stringMatching(/^ERR_/) });
    }),
    { numRuns: 1000 },
  );
}
