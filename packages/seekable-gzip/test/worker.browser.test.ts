import { buildIndex, type GzipSourceOptions, writeIndex } from "@lazyimg/seekable-gzip";
import { workerGzipSource } from "@lazyimg/seekable-gzip/worker";
import { describe, expect, it, vi } from "vitest";
import { commands } from "vitest/browser";
import { CountingSource, randomFrom, same } from "./counting-source.js";
import { sample } from "./sample.mjs";

const SPACING = 65536;

async function load(name: string): Promise<Uint8Array> {
  const text = await commands.readFile(`packages/seekable-gzip/test/fixtures/${name}`, {
    encoding: "base64",
  });
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

async function openIn(name: string, options: GzipSourceOptions = {}) {
  const inner = new CountingSource(await load(name));
  return { inner, source: workerGzipSource(inner, { spacing: SPACING, ...options }) };
}

/** What the page's own thread did while `work` went on. */
async function watch(work: () => Promise<void>): Promise<{ longest: number; inflated: boolean }> {
  let longest = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
  });
  observer.observe({ type: "longtask" });
  const compile = vi.spyOn(WebAssembly, "Instance");
  await work();
  await new Promise((resolve) => setTimeout(resolve, 100));
  observer.disconnect();
  const inflated = compile.mock.calls.length > 0;
  compile.mockRestore();
  return { longest, inflated };
}

describe("gzip in a Worker", () => {
  // First: later tests leave decoders in the page that would be used again.
  it("leaves the page smooth during a pass over 55 MB, while reads are served", async () => {
    // Members one after another: 1 MB of noise that hardly compresses, 55 times.
    const random = randomFrom(3);
    const noise = Uint8Array.from({ length: 1 << 20 }, () => 250 * random());
    const stream = new Blob([noise]).stream().pipeThrough(new CompressionStream("gzip"));
    const member = new Uint8Array(await new Response(stream).arrayBuffer());
    const file = new Uint8Array(55 * member.length);
    for (let i = 0; i < 55; i++) file.set(member, i * member.length);
    expect(file.length).toBeGreaterThan(50e6);
    const sourceOf = (): ReturnType<typeof workerGzipSource> =>
      workerGzipSource({
        gap: 0,
        name: "large.nii.gz",
        size: async () => file.length,
        read: async (offset, length) => file.slice(offset, offset + length),
        async *stream(offset, length) {
          const end = Math.min(file.length, offset + length);
          for (let at = offset; at < end; at += 65536) {
            // As from a network: every piece is a task.
            await new Promise((resolve) => setTimeout(resolve, 0));
            yield file.subarray(at, Math.min(end, at + 65536 * 8));
            at += 65536 * 7;
          }
        },
      });
    const pass = async (source: ReturnType<typeof sourceOf>): Promise<void> => {
      const end = source.read(54 * noise.length, 1000);
      for (const at of [5, 20, 40]) {
        expect(same(await source.read(at * noise.length + 7, 500), noise.subarray(7, 507))).toBe(true);
      }
      expect(same(await end, noise.subarray(0, 1000))).toBe(true);
    };
    // A noisy machine may hold up one pass; a page that is busy holds up all.
    let least = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 10 && least > 100; attempt++) {
      const source = sourceOf();
      await source.read(0, 10);
      const { longest, inflated } = await watch(() => pass(source));
      expect(inflated).toBe(false);
      least = Math.min(least, longest);
      await source.close!();
    }
    expect(least).toBeLessThan(100);
  });

  it("gives the same bytes, and the page inflates none of them", async () => {
    const raw = sample();
    const { inner, source } = await openIn("zlib-6.gz");
    const { inflated } = await watch(async () => {
      const random = randomFrom(1);
      for (let i = 0; i < 20; i++) {
        const offset = Math.floor(random() * raw.length);
        const length = Math.floor(random() * 50_000);
        const found = await source.read(offset, length);
        expect(same(found, raw.subarray(offset, offset + length))).toBe(true);
      }
      const into = new Uint8Array(1000);
      expect(same(await source.read(200_000, 1000, { into }), raw.subarray(200_000, 201_000))).toBe(true);
      let at = 100_000;
      for await (const piece of source.stream(at, 150_000)) {
        expect(same(piece, raw.subarray(at, at + piece.length))).toBe(true);
        at += piece.length;
      }
      expect(at).toBe(250_000);
      expect((await source.read(raw.length - 5, 100)).length).toBe(5);
    });
    expect(inflated).toBe(false);
    expect(await source.size()).toBe(raw.length);
    expect(source.name).toBe("scan.nii");
    expect(await source.version!()).toBe(await inner.version());
    // Now that all checkpoints are known, so is the cost.
    expect(source.cost!(100_000, 10).bytes).toBeLessThan(inner.bytes.length);
    await source.close!();
    expect(inner.closed).toBe(true);
    await expect(source.read(0, 1)).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });

  it("takes a sidecar and a cache from the page", async () => {
    const raw = sample();
    const bytes = await load("zlib-6.gz");
    const sidecar = writeIndex(await buildIndex(new CountingSource(bytes), { spacing: SPACING }));
    const { inner, source } = await openIn("zlib-6.gz", { sidecar });
    expect(await source.size()).toBe(raw.length);
    expect(inner.fetched).toBeLessThanOrEqual(512);
    expect(same(await source.read(1000, 10), raw.subarray(1000, 1010))).toBe(true);
    // It is still the page's.
    expect(sidecar.length).toBeGreaterThan(0);
    await source.close!();
    const kept = new Map<string, Uint8Array>();
    const cache = {
      get: async (key: string) => kept.get(key) ?? null,
      set: async (key: string, value: Uint8Array) => void kept.set(key, value),
    };
    const first = await openIn("zlib-6.gz", { cache, cacheKey: "a" });
    await first.source.read(0, raw.length + 1);
    await expect.poll(() => kept.size).toBe(1);
    const second = await openIn("zlib-6.gz", { cache, cacheKey: "a" });
    expect(await second.source.size()).toBe(raw.length);
    await first.source.close!();
    await second.source.close!();
  });

  it("passes errors on: the data's by code, the page's as they are, aborts at once", async () => {
    const warnings: string[] = [];
    const bad = (await load("zlib-6.gz")).slice();
    bad[bad.length - 8]! ^= 1;
    const source = workerGzipSource(new CountingSource(bad), {
      sidecar: new Uint8Array(40),
      onWarning: (message) => warnings.push(message),
    });
    await expect(source.read(0, 1_000_000)).rejects.toMatchObject({
      name: "LazyImageError",
      code: "ERR_CHECKSUM",
    });
    expect(warnings).toHaveLength(1);
    await source.close!();
    const { inner, source: good } = await openIn("zlib-6.gz");
    await good.read(0, 10);
    inner.failure = new Error("the network is down");
    const { failure } = inner;
    await expect(good.read(250_000, 10)).rejects.toBe(failure);
    const controller = new AbortController();
    const leaving = good.read(280_000, 10, { signal: controller.signal });
    const staying = good.read(260_000, 10);
    controller.abort("enough");
    await expect(leaving).rejects.toBe("enough");
    expect(same(await staying, sample().subarray(260_000, 260_010))).toBe(true);
    await good.close!();
  });

  it("goes on in the page where no Worker starts", async () => {
    vi.stubGlobal(
      "Worker",
      class {
        onerror: ((event: Event) => void) | null = null;
        constructor() {
          setTimeout(() => this.onerror?.(new Event("error", { cancelable: true })), 1);
        }
        terminate(): void {}
      },
    );
    const { source } = await openIn("zlib-6.gz");
    expect(same(await source.read(1000, 10), sample().subarray(1000, 1010))).toBe(true);
    await source.close!();
    vi.unstubAllGlobals();
  });
});
