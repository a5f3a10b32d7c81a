import { deflateSync, gzipSync } from "node:zlib";
import { bytesSource } from "@lazyimg/byte-source";
import { buildIndex, gzipSource, readIndex, writeIndex } from "@lazyimg/seekable-gzip";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

/** 3 MB that compress to a third: with a spacing of 64 KiB there are some 40 checkpoints. */
const content = Uint8Array.from({ length: 3_000_000 }, (_, n) => (n * n) >> 9);
const stream = deflateSync(content);
const open = (bytes: Uint8Array) => gzipSource(bytesSource(bytes), { spacing: 65536 });

describe("a zlib stream", () => {
  test("is read like gzip, any range of it in any order", async () => {
    const source = open(stream);
    await fc.assert(
      fc.asyncProperty(fc.nat(content.length), fc.nat(200_000), async (offset, length) => {
        const read = await source.read(offset, length);
        expect(Buffer.compare(read, content.subarray(offset, offset + length))).toBe(0);
      }),
      {
        numRuns: 60,
        examples: [
          [content.length - 10, 10],
          [0, 10],
          [content.length - 1, 1],
        ],
      },
    );
    expect(source.index()).toMatchObject({ size: content.length, compressedSize: stream.length });
    // Its first data are behind 2 bytes.
    expect(source.index()!.points[0]).toEqual({ bit: 16, offset: 0, window: null });
    expect(source.index()!.points.length).toBeGreaterThan(10);
  });

  test("is streamed, at each level of compression", async () => {
    for (const level of [0, 1, 9]) {
      const pieces: Uint8Array[] = [];
      for await (const piece of open(deflateSync(content, { level })).stream(0, Number.POSITIVE_INFINITY)) {
        pieces.push(piece.slice());
      }
      expect(Buffer.compare(Buffer.concat(pieces), content)).toBe(0);
    }
  });

  test("has an index like gzip's", async () => {
    const index = await buildIndex(bytesSource(stream), { spacing: 65536 });
    const warnings: string[] = [];
    const source = gzipSource(bytesSource(stream), {
      sidecar: writeIndex(index),
      onWarning: (text) => warnings.push(text),
    });
    const tail = await source.read(content.length - 1000, 2000);
    expect(Buffer.compare(tail, content.subarray(-1000))).toBe(0);
    expect(warnings).toEqual([]);
    expect(readIndex(writeIndex(index)).points.length).toBe(index.points.length);
  });

  test("with a wrong Adler-32 is ERR_CHECKSUM, and cut short ERR_TRUNCATED", async () => {
    const wrong = Uint8Array.from(stream);
    wrong[wrong.length - 1]! ^= 1;
    await expect(open(wrong).read(0, content.length)).rejects.toMatchObject({ code: "ERR_CHECKSUM" });
    for (const missing of [1, 4, 5, 1000]) {
      const cut = open(stream.subarray(0, stream.length - missing));
      await expect(cut.read(0, content.length)).rejects.toMatchObject({ code: "ERR_TRUNCATED" });
    }
  });

  test("before other bytes is ERR_CORRUPT, and so is one with a preset dictionary", async () => {
    const more = open(Buffer.concat([stream, Buffer.from("more")]));
    await expect(more.read(0, content.length)).rejects.toMatchObject({ code: "ERR_CORRUPT" });
    const preset = deflateSync(content, { dictionary: Buffer.from("abc") });
    await expect(open(preset).read(0, 1)).rejects.toMatchObject({ code: "ERR_CORRUPT" });
  });

  test("of nothing is nothing", async () => {
    expect(await open(deflateSync(new Uint8Array())).read(0, 10)).toHaveLength(0);
    expect(await open(gzipSync(new Uint8Array())).read(0, 10)).toHaveLength(0);
  });
});
