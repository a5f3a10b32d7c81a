import { gzipSync } from "node:zlib";
import type { LazyImageError } from "@lazyimg/core";
import { buildIndex, type GzipSource, gzipSource, writeIndex } from "@lazyimg/seekable-gzip";
import { describe, expect, test } from "vitest";
import { CountingSource, randomFrom, same } from "./counting-source.js";

/** Four spans and a half, of 16 grains and more. */
const random = randomFrom(1);
const content = Uint8Array.from({ length: 2_400_000 }, (_, n) => ((n * n) >> 12) + 40 * random());
const packed = new Uint8Array(gzipSync(content));
const index = await buildIndex(new CountingSource(packed), { spacing: 1 << 19 });
const starts = index.points.map(({ offset }) => offset);
const sidecars = {
  ours: writeIndex(index),
  "one without checksums": writeIndex({ ...index, checksums: undefined }),
};

interface Outcome {
  readonly offset: number;
  readonly code: string;
}

/** What readers of a few thousand bytes each find who come at once: `right`, `wrong`, or an error's code. */
function outcomes(source: GzipSource, offsets: readonly number[]): Promise<Outcome[]> {
  return Promise.all(
    offsets.map(async (offset) => {
      try {
        const bytes = await source.read(offset, 3000);
        return { offset, code: same(bytes, content.subarray(offset, offset + 3000)) ? "right" : "wrong" };
      } catch (error) {
        return { offset, code: (error as LazyImageError).code };
      }
    }),
  );
}

/** Of readers in two other spans, who make those that come after them many. */
const elsewhere = [starts[2]! + 1000, starts[3]! + 1000];
const offsetsIn = (from: number, to: number) =>
  Array.from({ length: 8 }, () => from + Math.floor((to - from - 3000) * random()));

describe("parts of spans that many readers want", () => {
  test.each(Object.entries(sidecars))("are right by a sidecar, %s, however they come", async (_, sidecar) => {
    const source = gzipSource(new CountingSource(packed), { sidecar });
    for (let round = 0; round < 10; round++) {
      // The second lot comes while the first is fetched or inflated, to spans that are wanted, or were, only in part.
      const first = outcomes(source, offsetsIn(0, content.length));
      for (let turn = 0; turn < round; turn++) await new Promise((resolve) => setImmediate(resolve));
      const second = outcomes(source, offsetsIn(0, starts[2]!));
      for (const { offset, code } of [...(await first), ...(await second)])
        expect(code, String(offset)).toBe("right");
    }
  });

  test("are fetched once where they lie in one span", async () => {
    const inner = new CountingSource(packed);
    const source = gzipSource(inner, { sidecar: sidecars.ours });
    await source.size();
    const before = inner.requests;
    const some = () => outcomes(source, [...elsewhere, ...offsetsIn(starts[1]!, starts[2]!)]);
    await some();
    expect(inner.requests).toBe(before + 3);
    // Who comes again finds, or fetches, all of it.
    for (let round = 0; round < 5; round++) await some();
    expect(inner.requests).toBeLessThanOrEqual(before + 4);
  });

  test("are right or an error where the file changed, and right before the change", async () => {
    const seen: Record<string, number> = {};
    const [from, to] = [starts[1]!, starts[2]!];
    const bits = [1, 2].map((point) => index.points[point]!.bit);
    const middle = Math.floor((bits[0]! + bits[1]!) / 16);
    for (let round = 0; round < 60; round++) {
      const changed = packed.slice();
      const at = Math.floor(bits[0]! / 8) + 2000 + Math.floor(((bits[1]! - bits[0]!) / 8 - 4000) * random());
      changed[at]! ^= 1 << Math.floor(8 * random());
      // Readers in this span's first half, or in all of it.
      const end = round % 2 === 0 ? to : (from + to) / 2;
      const found = await outcomes(gzipSource(new CountingSource(changed), { sidecar: sidecars.ours }), [
        ...elsewhere,
        from,
        ...offsetsIn(from, end),
      ]);
      for (const { code } of found) {
        seen[code] = (seen[code] ?? 0) + 1;
        expect(["right", "ERR_CORRUPT", "ERR_CHECKSUM"]).toContain(code);
      }
      // Nothing behind what is wanted is looked at.
      if (end < to && at > middle + 20_000) expect(found.every(({ code }) => code === "right")).toBe(true);
    }
    expect(seen.right).toBeGreaterThan(50);
    expect(seen.ERR_CHECKSUM).toBeGreaterThan(50);
  });
});
