import type { LazyImageError } from "@lazyimg/core";
import {
  buildIndex,
  defaultIndexCache,
  type GzipSource,
  gzipSource,
  isGzip,
  readIndex,
  writeIndex,
} from "@lazyimg/seekable-gzip";
import { describe, expect, it } from "vitest";
import { CountingSource, randomFrom, same } from "./counting-source.js";
import { sample } from "./sample.mjs";

const SPACING = 65536;

/** Kept gzipped once more. */
const WRAPPED = new Set(["stored.gz", "huffman-only.gz", "rle.gz"]);

/** Everything that must hold in Node and in browsers alike. `read` reads a file of `fixtures/`; `cacheName` is a cache to use. */
export function seekableGzipSuite(read: (name: string) => Promise<Uint8Array>, cacheName: string): void {
  async function load(name: string): Promise<Uint8Array> {
    if (!WRAPPED.has(name)) return read(name);
    const bytes = (await read(`${name}.gz`)) as Uint8Array<ArrayBuffer>;
    return drain(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
  }

  const files = [
    "zlib-1.gz",
    "zlib-6.gz",
    "zlib-9.gz",
    "huffman-only.gz",
    "rle.gz",
    "fixed.gz",
    "stored.gz",
    "members.gz",
    "padded.gz",
    "decorated.gz",
    "gzip.gz",
    "pigz-i.gz",
    "zopfli.gz",
    "libdeflate.gz",
    "bgzip.gz",
  ];
  const exchanged = [
    "zlib-6.gz",
    "stored.gz",
    "members.gz",
    "bgzip.gz",
    "decorated.gz",
    "pigz-i.gz",
    "zopfli.gz",
    "libdeflate.gz",
  ];

  async function randomReads(
    source: GzipSource,
    raw: Uint8Array,
    seed: number,
    count: number,
  ): Promise<void> {
    const random = randomFrom(seed);
    for (let i = 0; i < count; i++) {
      const offset = Math.floor(random() * raw.length);
      const length = Math.floor(random() * (i % 5 === 0 ? raw.length : 5000));
      const found = await source.read(offset, length);
      expect(same(found, raw.subarray(offset, offset + length)), `${offset} + ${length}`).toBe(true);
    }
  }

  async function drain(stream: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for await (const piece of stream as AsyncIterable<Uint8Array>) pieces.push(piece.slice());
    return new Uint8Array(await new Blob(pieces as Uint8Array<ArrayBuffer>[]).arrayBuffer());
  }

  async function codeOf(promise: Promise<unknown>): Promise<string> {
    return promise.then(
      () => "resolved",
      (error: LazyImageError) => error.code ?? error.name,
    );
  }

  describe.each(files)("%s", (name) => {
    it("gives equal bytes at random, while the pass goes on and after", async () => {
      const raw = sample();
      const source = gzipSource(new CountingSource(await load(name)), { spacing: SPACING });
      expect(await source.size()).toBe(null);
      await randomReads(source, raw, 1, 25);
      expect(same(await source.read(0, raw.length + 10), raw)).toBe(true);
      expect(await source.size()).toBe(raw.length);
      await randomReads(source, raw, 2, 25);
      expect(await source.read(raw.length, 10)).toHaveLength(0);
    });

    it("streams, from before and behind what was passed", async () => {
      const raw = sample();
      const source = gzipSource(new CountingSource(await load(name)), { spacing: SPACING });
      await source.read(100_000, 10);
      expect(same(await drain(source.stream(5, 200_000)), raw.subarray(5, 200_005))).toBe(true);
      expect(same(await drain(source.stream(150_000, Number.POSITIVE_INFINITY)), raw.subarray(150_000))).toBe(
        true,
      );
      expect(same(await drain(source.stream(0, raw.length)), raw)).toBe(true);
    });

    it("answers many readers at once", async () => {
      const raw = sample();
      const source = gzipSource(new CountingSource(await load(name)), { spacing: SPACING });
      await Promise.all(Array.from({ length: 8 }, (_, i) => randomReads(source, raw, i + 10, 6)));
      const streams = await Promise.all([0, 70_000, 1].map((from) => drain(source.stream(from, raw.length))));
      expect(same(streams[0]!, raw) && same(streams[1]!, raw.subarray(70_000))).toBe(true);
    });

    it("reads through an index of its own", async () => {
      const raw = sample();
      const inner = new CountingSource(await load(name));
      const index = await buildIndex(inner, { spacing: SPACING });
      expect(index).toMatchObject({ compressedSize: inner.bytes.length, size: raw.length, spacing: SPACING });
      const sidecar = writeIndex(index);
      expect(readIndex(sidecar).points.map(({ bit, offset }) => [bit, offset])).toEqual(
        index.points.map(({ bit, offset }) => [bit, offset]),
      );
      const source = gzipSource(inner, { sidecar });
      expect(await source.size()).toBe(raw.length);
      await randomReads(source, raw, 3, 25);
    });
  });

  describe.each(exchanged)("the sidecar that indexed_gzip made of %s", (name) => {
    it("is read, and used", async () => {
      const raw = sample();
      const inner = new CountingSource(await load(name));
      const warnings: string[] = [];
      const sidecar = await load(`${name}.gzidx`);
      const source = gzipSource(inner, { sidecar, onWarning: (text) => warnings.push(text) });
      await randomReads(source, raw, 4, 30);
      expect(warnings).toEqual([]);
      expect(source.index()?.size).toBe(raw.length);
    });
  });

  describe("sidecars", () => {
    it("fetch the spans around a range, and nothing else", async () => {
      const raw = sample();
      const inner = new CountingSource(await load("pigz-i.gz"));
      const source = gzipSource(inner, { sidecar: await load("pigz-i.gz.gzidx") });
      const { points } = readIndex(await load("pigz-i.gz.gzidx"));
      await source.size();
      // The probe.
      expect(inner.fetched).toBeLessThanOrEqual(512);
      const opened = inner.fetched;
      const [, second, third] = points;
      const cost = source.cost!(second!.offset + 5, 100);
      expect(
        same(
          await source.read(second!.offset + 5, 100),
          raw.subarray(second!.offset + 5, second!.offset + 105),
        ),
      );
      const between = Math.ceil(third!.bit / 8) - Math.floor(second!.bit / 8);
      expect(inner.fetched - opened).toBeLessThanOrEqual(1.1 * between);
      expect(cost).toMatchObject({ bytes: inner.fetched - opened, requests: 1 });
      // And once: the span is remembered.
      const before = inner.fetched;
      await source.read(second!.offset + 500, 100);
      expect(inner.fetched).toBe(before);
    });

    it("of another file are refused, with a warning, and the pass takes over", async () => {
      const raw = sample();
      for (const [file, other] of [
        ["zlib-6.gz", "stored.gz"],
        ["zlib-1.gz", "zlib-6.gz"],
      ]) {
        const warnings: string[] = [];
        const onWarning = (text: string): number => warnings.push(text);
        const sidecar = await load(`${other}.gzidx`);
        const source = gzipSource(new CountingSource(await load(file!)), { sidecar, onWarning });
        await randomReads(source, raw, 5, 5);
        expect(warnings).toHaveLength(1);
      }
    });

    it("of another file of the same size are found out when they are used", async () => {
      const raw = sample();
      const bytes = await load("zlib-1.gz");
      const foreign = readIndex(await load("zlib-6.gz.gzidx"));
      const warnings: string[] = [];
      const source = gzipSource(new CountingSource(bytes), {
        sidecar: writeIndex({ ...foreign, compressedSize: bytes.length }),
        onWarning: (text) => warnings.push(text),
      });
      await randomReads(source, raw, 6, 10);
      expect(warnings).toHaveLength(1);
    });

    it("that are no sidecars are refused", async () => {
      const raw = sample();
      const good = await load("zlib-6.gz.gzidx");
      const far = good.slice();
      far[35 + 18 + 8 + 7] = 0x7f;
      for (const sidecar of [new Uint8Array(0), good.subarray(0, 60), good.subarray(0, 40_000), far, raw]) {
        const warnings: string[] = [];
        const source = gzipSource(new CountingSource(await load("zlib-6.gz")), {
          sidecar,
          onWarning: (text) => warnings.push(text),
        });
        await randomReads(source, raw, 7, 3);
        expect(warnings).toHaveLength(1);
      }
    });

    it("come as bytes, a source or a function", async () => {
      const sidecar = await load("zlib-6.gz.gzidx");
      for (const form of [sidecar, new CountingSource(sidecar), async () => sidecar]) {
        const source = gzipSource(new CountingSource(await load("zlib-6.gz")), { sidecar: form });
        expect(await source.size()).toBe(291_501);
      }
      const none = gzipSource(new CountingSource(await load("zlib-6.gz")), { sidecar: async () => null });
      expect(await none.size()).toBe(null);
    });
  });

  describe("laziness", () => {
    it("opens a header with at most 64 KiB", async () => {
      const inner = new CountingSource(await load("stored.gz"));
      const source = gzipSource(inner);
      await source.read(0, 348);
      await source.read(0, 540);
      await source.read(352, 1000);
      expect(inner.fetched).toBeLessThanOrEqual(16384);
    });

    it("inflates nothing twice: reading on in order fetches every byte once", async () => {
      const raw = sample();
      const inner = new CountingSource(await load("zlib-6.gz"));
      const source = gzipSource(inner, { spacing: SPACING });
      for (let at = 0; at < raw.length; at += 10_000) {
        expect(same(await source.read(at, 10_000), raw.subarray(at, at + 10_000))).toBe(true);
      }
      await source.read(raw.length, 1);
      expect(inner.fetched).toBe(inner.bytes.length);
      expect(source.index()).not.toBe(null);
    });

    it("passes BGZF blocks that nobody wants without inflating them", async () => {
      const raw = sample();
      const bytes = (await load("bgzip.gz")).slice();
      // A flipped bit in the third block's data: who reads the last one does not notice.
      let at = 0;
      for (let block = 0; block < 2; block++) at += (bytes[at + 16]! | (bytes[at + 17]! << 8)) + 1;
      bytes[at + 3000]! ^= 16;
      const source = gzipSource(new CountingSource(bytes), { spacing: SPACING });
      expect(same(await source.read(280_000, 1000), raw.subarray(280_000, 281_000))).toBe(true);
      expect(await codeOf(source.read(65280 * 2, 1000))).toMatch(/^ERR_C/);
    });

    it("tells what a read will cost", async () => {
      const source = gzipSource(new CountingSource(await load("zlib-6.gz")), { spacing: SPACING });
      expect(source.cost!(0, 1000)).toMatchObject({ requests: 1 });
      await source.read(0, 300_000);
      const cost = source.cost!(100_000, 10);
      expect(cost.bytes).toBeGreaterThan(1000);
      expect(cost.bytes).toBeLessThan(100_000);
      expect(cost.peakBytes).toBeLessThanOrEqual(24 << 20);
      await source.read(100_000, 10);
      expect(source.cost!(100_000, 10)).toEqual({ bytes: 0, requests: 0, peakBytes: 0 });
    });
  });

  describe("bad data", () => {
    const codeOfAll = async (bytes: Uint8Array): Promise<string> => {
      const source = gzipSource(new CountingSource(bytes), { spacing: SPACING });
      const code = await codeOf(source.read(0, 1_000_000));
      // For good: nothing later contradicts it.
      if (code !== "resolved") expect(await codeOf(source.read(0, 10))).toBe(code);
      return code;
    };
    const changed = async (name: string, change: (bytes: Uint8Array) => Uint8Array): Promise<string> =>
      codeOfAll(change((await load(name)).slice()));

    it("is told by its code", async () => {
      expect(await codeOfAll(new Uint8Array(0))).toBe("ERR_TRUNCATED");
      expect(await codeOfAll(new Uint8Array(100))).toBe("ERR_CORRUPT");
      expect(await codeOfAll(new TextEncoder().encode("<html>not found</html>"))).toBe("ERR_CORRUPT");
      expect(await changed("zlib-6.gz", (bytes) => bytes.subarray(0, 30_000))).toBe("ERR_TRUNCATED");
      expect(await changed("zlib-6.gz", (bytes) => bytes.subarray(0, -1))).toBe("ERR_TRUNCATED");
      expect(await changed("zlib-6.gz", (bytes) => bytes.subarray(0, 5))).toBe("ERR_TRUNCATED");
      const flip = (at: number) => (bytes: Uint8Array) => {
        bytes[at < 0 ? bytes.length + at : at]! ^= 1;
        return bytes;
      };
      expect(await changed("zlib-6.gz", flip(-8))).toBe("ERR_CHECKSUM");
      expect(await changed("zlib-6.gz", flip(-4))).toBe("ERR_CHECKSUM");
      expect(await changed("stored.gz", flip(5000))).toBe("ERR_CHECKSUM");
      expect(await changed("stored.gz", flip(11))).toBe("ERR_CORRUPT");
      expect(await changed("decorated.gz", flip(25))).toBe("ERR_CHECKSUM");
      const append =
        (...more: number[]) =>
        (bytes: Uint8Array) =>
          Uint8Array.from([...bytes, ...more]);
      expect(await changed("zlib-6.gz", append(1, 2, 3))).toBe("ERR_CORRUPT");
      expect(await changed("zlib-6.gz", append(0, 0, 7))).toBe("ERR_CORRUPT");
      expect(await changed("zlib-6.gz", append(0x1f))).toBe("ERR_TRUNCATED");
      expect(await changed("zlib-6.gz", append(0x1f, 0x8b, 8))).toBe("ERR_TRUNCATED");
      expect(await changed("zlib-6.gz", append(0, 0, 0))).toBe("resolved");
    });

    it("fails a read that ends exactly where the file does", async () => {
      const bytes = (await load("stored.gz")).slice();
      bytes[bytes.length - 8]! ^= 1;
      const source = gzipSource(new CountingSource(bytes));
      expect(await codeOf(source.read(291_000, 501))).toBe("ERR_CHECKSUM");
      const other = gzipSource(new CountingSource(bytes));
      expect(await codeOf(drain(other.stream(0, 291_501)))).toBe("ERR_CHECKSUM");
    });

    it("gives an error or the right bytes, over 300 corruptions of whole files and of indexed ones", async () => {
      const raw = sample();
      const random = randomFrom(2024);
      const originals = await Promise.all(["zlib-6.gz", "members.gz", "bgzip.gz", "fixed.gz"].map(load));
      const indexes = await Promise.all(
        originals.map((bytes) => buildIndex(new CountingSource(bytes, 1 << 20), { spacing: SPACING })),
      );
      const seen: Record<string, number> = {};
      for (let round = 0; round < 300; round++) {
        const which = round % originals.length;
        const original = originals[which]!;
        const bytes = original.slice();
        const at = Math.floor(random() * bytes.length);
        let data = bytes;
        const kind = Math.floor(random() * 3);
        if (kind === 0) bytes[at]! ^= 1 << Math.floor(8 * random());
        else if (kind === 1) data = bytes.subarray(0, at);
        else bytes.set(originals[Math.floor(random() * 4)]!.subarray(at, at + 200), at);
        const source = gzipSource(new CountingSource(data, 1 << 20), {
          spacing: SPACING,
          ...(round % 2 === 1 && { sidecar: writeIndex(indexes[which]!) }),
          onWarning: () => undefined,
        });
        let code = "right";
        try {
          if (!same(await source.read(0, 10_000_000), raw)) code = "wrong";
        } catch (error) {
          code = (error as LazyImageError).code;
        }
        seen[code] = (seen[code] ?? 0) + 1;
        expect(["right", "ERR_CORRUPT", "ERR_CHECKSUM", "ERR_TRUNCATED"], code).toContain(code);
      }
      expect(seen.ERR_CHECKSUM).toBeGreaterThan(20);
      expect(seen.ERR_TRUNCATED).toBeGreaterThan(20);
    });

    it("passes on what the inner source fails with, and goes on afterwards", async () => {
      const raw = sample();
      const inner = new CountingSource(await load("zlib-6.gz"));
      const source = gzipSource(inner, { spacing: SPACING });
      await source.read(0, 100);
      const failure = new Error("the network is down");
      inner.failure = failure;
      await expect(source.read(150_000, 100)).rejects.toBe(failure);
      await randomReads(source, raw, 8, 10);
    });
  });

  describe("aborts", () => {
    it("reject with the reason itself, and fail no other reader", async () => {
      const raw = sample();
      const inner = new CountingSource(await load("zlib-6.gz"), 512);
      const source = gzipSource(inner, { spacing: SPACING });
      const reason = new Error("left");
      const controller = new AbortController();
      const leaving = source.read(200_000, 50_000, { signal: controller.signal });
      const staying = source.read(250_000, 1000);
      await expect.poll(() => inner.fetched, { interval: 1 }).toBeGreaterThan(0);
      controller.abort(reason);
      await expect(leaving).rejects.toBe(reason);
      expect(same(await staying, raw.subarray(250_000, 251_000))).toBe(true);
      await expect(source.read(0, 10, { signal: controller.signal })).rejects.toBe(reason);
    });

    it("of the last reader stop the pass, which later goes on where it stopped", async () => {
      const raw = sample();
      const inner = new CountingSource(await load("zlib-6.gz"), 512);
      const source = gzipSource(inner, { spacing: SPACING });
      const controller = new AbortController();
      const leaving = source.read(290_000, 1000, { signal: controller.signal });
      await expect.poll(() => inner.fetched, { interval: 1 }).toBeGreaterThan(1000);
      controller.abort();
      await expect(leaving).rejects.toMatchObject({ name: "AbortError" });
      await expect.poll(() => inner.streaming).toBe(0);
      const { fetched } = inner;
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(inner.fetched).toBe(fetched);
      expect(fetched).toBeLessThan(inner.bytes.length);
      expect(same(await source.read(0, raw.length), raw)).toBe(true);
    });

    it("of one reader leave a span to the others", async () => {
      const raw = sample();
      const source = gzipSource(new CountingSource(await load("zlib-6.gz")), { spacing: SPACING });
      await source.read(0, raw.length);
      const controller = new AbortController();
      const leaving = source.read(1000, 1000, { signal: controller.signal });
      const staying = source.read(2000, 1000);
      controller.abort("enough");
      await expect(leaving).rejects.toBe("enough");
      expect(same(await staying, raw.subarray(2000, 3000))).toBe(true);
    });
  });

  describe("aborts of indexed reads", () => {
    it("of all who want a span end its fetch, and who comes later fetches again", async () => {
      const raw = sample();
      const inner = new CountingSource(await load("zlib-6.gz"));
      const source = gzipSource(inner, { spacing: SPACING });
      await source.read(0, raw.length + 1);
      const { fetched, requests } = inner;
      const [one, two] = [new AbortController(), new AbortController()];
      const leaving = [one, two].map(({ signal }) => source.read(1000, 1000, { signal }));
      while (inner.requests === requests) await Promise.resolve();
      one.abort("enough");
      two.abort("done");
      await expect(leaving[0]).rejects.toBe("enough");
      await expect(leaving[1]).rejects.toBe("done");
      await new Promise((resolve) => setTimeout(resolve, 20));
      // It was asked for, and nothing came.
      expect(inner.requests).toBe(requests + 1);
      expect(inner.fetched).toBe(fetched);
      expect(same(await source.read(2000, 1000), raw.subarray(2000, 3000))).toBe(true);
    });

    it("of a read of many spans end it at once, and leave the source as it was", async () => {
      const raw = sample();
      const inner = new CountingSource(await load("zlib-6.gz"));
      const source = gzipSource(inner, { spacing: SPACING });
      await source.read(0, raw.length + 1);
      const { fetched } = inner;
      const controller = new AbortController();
      const leaving = source.read(0, raw.length, { signal: controller.signal });
      controller.abort("enough");
      await expect(leaving).rejects.toBe("enough");
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(inner.fetched).toBe(fetched);
      for await (const piece of source.stream(0, raw.length)) {
        expect(same(piece, raw.subarray(0, piece.length))).toBe(true);
        break;
      }
      expect(same(await source.read(0, raw.length), raw)).toBe(true);
    });
  });

  describe("the source", () => {
    it("is named after what is inside, and keeps the inner version", async () => {
      const inner = new CountingSource(await load("zlib-6.gz"));
      const source = gzipSource(inner);
      expect(source.name).toBe("scan.nii");
      expect(await source.version!()).toBe(await inner.version());
      expect(source.gap).toBeGreaterThan(inner.gap);
    });

    it("reads into the caller's memory", async () => {
      const raw = sample();
      const source = gzipSource(new CountingSource(await load("zlib-6.gz")), { spacing: SPACING });
      const into = new Uint8Array(10_000);
      for (const offset of [200_000, 1000, 291_000]) {
        const found = await source.read(offset, 5000, { into });
        expect(found.buffer).toBe(into.buffer);
        expect(same(found, raw.subarray(offset, offset + 5000))).toBe(true);
      }
    });

    it("gives memory that is the caller's", async () => {
      const raw = sample();
      const source = gzipSource(new CountingSource(await load("zlib-6.gz")), { spacing: SPACING });
      await source.read(0, raw.length);
      (await source.read(70_000, 1000)).fill(0);
      expect(same(await source.read(70_000, 1000), raw.subarray(70_000, 71_000))).toBe(true);
    });

    it("is closed with the inner one, and then rejects", async () => {
      const inner = new CountingSource(await load("zlib-6.gz"), 1024);
      const source = gzipSource(inner);
      const reading = codeOf(source.read(200_000, 10));
      await source.close!();
      expect(inner.closed).toBe(true);
      expect(await reading).toBe("ERR_CLOSED");
      expect(await codeOf(source.read(0, 1))).toBe("ERR_CLOSED");
    });

    it("refuses ranges that are none", async () => {
      const source = gzipSource(new CountingSource(await load("zlib-6.gz")));
      for (const [offset, length] of [
        [-1, 5],
        [0.5, 5],
        [0, Number.NaN],
      ]) {
        expect(await codeOf(source.read(offset!, length!))).toBe("ERR_INVALID_ARGUMENT");
      }
    });

    it("knows gzip when it sees it", async () => {
      expect(isGzip(await load("bgzip.gz"))).toBe(true);
      expect(isGzip(sample())).toBe(false);
      expect(isGzip(new Uint8Array(2))).toBe(false);
    });

    it("keeps its index in a cache, by key and version", async () => {
      const raw = sample();
      const kept = new Map<string, Uint8Array>();
      const cache = {
        get: async (key: string) => kept.get(key) ?? null,
        set: async (key: string, bytes: Uint8Array) => void kept.set(key, bytes),
      };
      const bytes = await load("zlib-6.gz");
      const first = gzipSource(new CountingSource(bytes), {
        cache,
        cacheKey: "https://a/b.nii.gz",
        spacing: SPACING,
      });
      await first.read(0, raw.length);
      await expect.poll(() => [...kept.keys()]).toEqual([`https://a/b.nii.gz@"${bytes.length}"`]);
      const inner = new CountingSource(bytes);
      const second = gzipSource(inner, { cache, cacheKey: "https://a/b.nii.gz" });
      expect(await second.size()).toBe(raw.length);
      expect(inner.fetched).toBeLessThanOrEqual(512);
      await randomReads(second, raw, 9, 5);
    });

    it("keeps bytes in the platform's own storage", async () => {
      const cache = defaultIndexCache(cacheName);
      const key = `https://example.org/a b/c.nii.gz@W/"${Math.random()}"`;
      expect(await cache.get(key)).toBe(null);
      await cache.set(key, Uint8Array.of(1, 2, 3));
      await cache.set(key, Uint8Array.of(4, 5));
      expect([...(await cache.get(key))!]).toEqual([4, 5]);
      expect(await cache.get(`${key}2`)).toBe(null);
    });
  });
}
