import * as zlib from "node:zlib";
import { combineCrc32, crc32 } from "@lazyimg/codecs";
import type { ByteSource } from "@lazyimg/core";
import { buildIndex, gzipSource, readIndex, writeIndex } from "@lazyimg/seekable-gzip";
import { expect, it } from "vitest";
import { randomFrom, same } from "./counting-source.js";

const SEGMENT = 64 << 20;
const COPIES = 66;

/** A gzip file of 66 times 64 MiB, 4.1 GiB, nearly all zeros: 4.3 MB. Segments end on a byte, so they can be repeated. */
function large(): { source: ByteSource; segment: Uint8Array; bytes: number } {
  const random = randomFrom(4);
  const segment = new Uint8Array(SEGMENT);
  for (let at = 0; at < SEGMENT; at += 5 << 20) {
    for (let i = 0; i < 4000; i++) segment[at + i] = 256 * random();
  }
  const { Z_FULL_FLUSH } = zlib.constants;
  const body = zlib.deflateRawSync(segment, { level: 9, finishFlush: Z_FULL_FLUSH });
  const one = crc32(segment);
  let crc = 0;
  for (let i = 0; i < COPIES; i++) crc = combineCrc32(crc, one, SEGMENT);
  const trailer = Buffer.alloc(10);
  trailer.writeUInt16LE(3);
  trailer.writeUInt32LE(crc, 2);
  trailer.writeUInt32LE((COPIES * SEGMENT) % 2 ** 32, 6);
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  const file = Buffer.concat([header, ...Array.from({ length: COPIES }, () => body), trailer]);
  const source: ByteSource = {
    gap: 0,
    size: async () => file.length,
    read: async (offset, length, { into } = {}) => {
      const part = file.subarray(offset, offset + length);
      if (into === undefined) return Uint8Array.from(part);
      into.set(part);
      return into.subarray(0, part.length);
    },
    async *stream(offset, length) {
      const end = Math.min(file.length, offset + length);
      for (let at = offset; at < end; at += 65536) yield file.subarray(at, Math.min(end, at + 65536));
    },
  };
  return { source, segment, bytes: file.length };
}

it("reads beyond 4 GiB, where ISIZE has wrapped, in bounded memory", async () => {
  const { source, segment, bytes } = large();
  expect(bytes).toBeLessThan(10e6);
  const size = COPIES * SEGMENT;
  const before = process.memoryUsage().rss;
  const index = await buildIndex(source);
  expect(index.size).toBe(size);
  expect(size).toBeGreaterThan(2 ** 32);
  // At most 1025 windows are kept, however long the file is.
  expect(index.points.length).toBeGreaterThan(500);
  expect(index.points.length).toBeLessThanOrEqual(1024);
  const again = readIndex(writeIndex(index));
  expect(again.points.at(-1)!.offset).toBe(index.points.at(-1)!.offset);
  expect(again.checksums).toEqual(index.checksums);
  const reader = gzipSource(source, { sidecar: writeIndex(index) });
  for (const offset of [2 ** 32 - 10, 2 ** 32 + (5 << 20) + 17, size - 5000, 2 ** 31]) {
    const found = await reader.read(offset, 5000);
    const from = offset % SEGMENT;
    const expected = Uint8Array.from({ length: found.length }, (_, i) => segment[(from + i) % SEGMENT]!);
    expect(found.length).toBe(Math.min(5000, size - offset));
    expect(same(found, expected), `at ${offset}`).toBe(true);
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(160 << 20);
});

it("a length that no file can have allocates nothing", async () => {
  const bytes = zlib.gzipSync("small");
  const reader = gzipSource({
    gap: 0,
    size: async () => bytes.length,
    read: async (offset, length) => Uint8Array.from(bytes.subarray(offset, offset + length)),
    async *stream(offset, length) {
      yield bytes.subarray(offset, Math.min(bytes.length, offset + length));
    },
  });
  expect(await reader.read(0, Number.MAX_SAFE_INTEGER)).toHaveLength(5);
  expect(await reader.size()).toBe(5);
});
