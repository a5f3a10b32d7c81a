import { readFileSync } from "node:fs";
import {
  type BackendDescriptor,
  type BackendRequest,
  createRequest,
  type ImageDataBackend,
  type Tensor,
} from "@lazyimg/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { GOLDEN } from "./golden.js";
import { anyIndex, type FormatFacts, tensorOf } from "./vectors.js";

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

/** Tests that a backend reads the golden vectors of its format, more than `many`, as the oracle does, and any region of them. */
export function goldenSuite(descriptor: BackendDescriptor, folder: string, many: number): void {
  const cases = formatCases(folder);
  const open = (path: string) => opened(descriptor, createRequest(path));

  test("the vectors are many", () => expect(cases.length).toBeGreaterThan(many));

  test.each(cases)("$name", async (chosen) => {
    const backend = await open(chosen.path);
    await expectImage(backend, chosen);
    await backend.close?.();
  });

  test("any region of any file equals the same region of all of it", () =>
    fc.assert(
      fc.asyncProperty(fc.constantFrom(...cases), anyIndex, async ({ path, facts, expected }, indexOf) => {
        const index = indexOf(facts.shape);
        const backend = await open(path);
        const region = (await backend.read(index)).contiguous();
        await backend.close?.();
        const wanted = expected.slice(index).contiguous();
        expect(region.shape).toEqual(wanted.shape);
        expect(region.data).toEqual(wanted.data);
      }),
      { numRuns: 300 },
    ));
}

/** Checks that an image is what the vectors say. */
async function expectImage(backend: ImageDataBackend, { facts, expected }: FormatCase): Promise<void> {
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

/** What a descriptor opens, which must not decline. */
export async function opened(
  { open }: BackendDescriptor,
  request: BackendRequest,
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
