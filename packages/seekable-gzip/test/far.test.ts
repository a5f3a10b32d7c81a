import { gzipSync } from "node:zlib";
import { buildIndex, gzipSource, writeIndex } from "@lazyimg/seekable-gzip";
import { expect, test } from "vitest";
import { CountingSource, randomFrom, same } from "./counting-source.js";

/** Noise of 20 MB: as long compressed, in some forty spans. */
const random = randomFrom(3);
const content = Uint8Array.from({ length: 20_000_000 }, () => 256 * random());
const packed = new Uint8Array(gzipSync(content, { level: 1 }));
const sidecar = writeIndex(await buildIndex(new CountingSource(packed), { spacing: 1 << 19 }));

/** A source whose reads take their time, and that knows how many bytes were asked for at most at a time. */
class SlowSource extends CountingSource {
  most = 0;
  #waiting = 0;

  constructor(gap: number) {
    super(packed, 16_384, gap);
  }

  override async read(...args: Parameters<CountingSource["read"]>): Promise<Uint8Array> {
    this.#waiting += args[1];
    this.most = Math.max(this.most, this.#waiting);
    await new Promise((resolve) => setTimeout(resolve, 50));
    this.#waiting -= args[1];
    return super.read(...args);
  }
}

/** A few bytes of every span, at once: the most that was being fetched. */
async function fetchedAtOnce(gap: number): Promise<number> {
  const inner = new SlowSource(gap);
  const source = gzipSource(inner, { sidecar });
  await source.size();
  const offsets = Array.from({ length: 38 }, (_, n) => n * 520_000);
  for (const [n, bytes] of (await Promise.all(offsets.map((offset) => source.read(offset, 1000)))).entries())
    expect(same(bytes, content.subarray(offsets[n]!, offsets[n]! + 1000))).toBe(true);
  return inner.most;
}

test("many spans are fetched at once where each read is a request, and few where it is not", async () => {
  const far = await fetchedAtOnce(128 * 1024);
  expect(far).toBeGreaterThan(4 << 20);
  expect(far).toBeLessThanOrEqual(6 << 20);
  expect(await fetchedAtOnce(0)).toBeLessThanOrEqual(2 << 20);
});
