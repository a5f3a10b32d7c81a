import {
  crc32,
  createBloscDecoder,
  createBloscEncoder,
  plainBloscKernel,
  readBloscFrame,
} from "@lazyimg/codecs";
import { isLazyImageError } from "@lazyimg/core";
import { describe, expect, test } from "vitest";
import { bloscFixtures } from "./blosc-fixtures.js";

const fixtures = bloscFixtures();
const named = (pattern: RegExp): Uint8Array => fixtures.find(({ name }) => pattern.test(name))!.encoded;

test("the chunks are of every codec and shuffle, stored ones among them", () => {
  const frames = fixtures.map(({ encoded }) => readBloscFrame(encoded));
  expect([...new Set(frames.map(({ codec }) => codec))].sort()).toEqual(["blosclz", "lz4", "zlib", "zstd"]);
  expect(new Set(frames.map(({ shuffle }) => shuffle)).size).toBe(3);
  expect(frames.some(({ stored }) => stored)).toBe(true);
  expect(frames.some(({ size, blockSize, stored }) => !stored && size > 2 * blockSize)).toBe(true);
});

describe.each(Object.entries({ WebAssembly: undefined, TypeScript: plainBloscKernel }))("%s", (_, kernel) => {
  const decoder = createBloscDecoder(kernel?.());

  test.each(fixtures)("$name", ({ encoded, size, crc32: expected }) => {
    const decoded = decoder.decode(encoded);
    expect(decoded.length).toBe(size);
    expect(crc32(decoded)).toBe(expected);
  });

  /** What decoding gives, or the code of the error. */
  const attempt = (bytes: Uint8Array): number | string => {
    try {
      return crc32(decoder.decode(bytes));
    } catch (error) {
      if (!isLazyImageError(error)) throw error;
      return error.code;
    }
  };

  test.each(["blosclz", "zlib", "zstd"])("a %s chunk that was cut anywhere is an error", (cname) => {
    const whole =
      named(new RegExp(`words, ${cname} 5, shuffle 1, .*`)) ??
      named(new RegExp(`ramp, ${cname} 5, shuffle 1`));
    for (let length = 0; length < whole.length; length += 7) {
      expect(attempt(whole.slice(0, length))).toMatch(/^ERR_/);
      // With a header that agrees.
      const lying = whole.slice(0, Math.max(16, length));
      new DataView(lying.buffer).setUint32(12, lying.length, true);
      expect(attempt(lying)).toMatch(/^ERR_/);
    }
  });

  test("damage to zlib inside blosc is noticed wherever it is", () => {
    const whole = named(/^ramp, zlib 5, shuffle 1, type size 2/);
    const { size, blockSize, length } = readBloscFrame(whole);
    const first = 16 + 4 * Math.ceil(size / blockSize);
    const good = attempt(whole);
    for (let at = first; at < length; at++) {
      for (const bit of [1, 16, 128]) {
        const damaged = whole.slice();
        damaged[at]! ^= bit;
        const found = attempt(damaged);
        // Two bits of zlib's header that the checksum there does not tell: which level compressed it.
        if (typeof found === "number") expect(found).toBe(good);
      }
    }
  });

  test("damaged blosclz gives an error or voxels, the same each time", () => {
    const whole = named(/^ramp, blosclz 5, shuffle 1, type size 2/);
    const codes = new Set<string>();
    for (let at = 16; at < whole.length; at++) {
      const damaged = whole.slice();
      damaged[at]! ^= 1 << (at % 8);
      const found = attempt(damaged);
      expect(attempt(damaged)).toBe(found);
      if (typeof found === "string") codes.add(found);
    }
    expect([...codes]).toEqual(["ERR_CORRUPT"]);
  });
});

/** A chunk of one block that is one stream. */
function chunk(codec: number, size: number, stream: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(24 + stream.length);
  const view = new DataView(bytes.buffer);
  bytes.set([2, 1, 16 | (codec << 5), 1]);
  view.setUint32(4, size, true);
  view.setUint32(8, size, true);
  view.setUint32(12, bytes.length, true);
  view.setUint32(16, 20, true);
  view.setUint32(20, stream.length, true);
  bytes.set(stream, 24);
  return bytes;
}

describe.each(Object.entries({ WebAssembly: undefined, TypeScript: plainBloscKernel }))(
  "blosclz in %s",
  (_, kernel) => {
    const decoder = createBloscDecoder(kernel?.());

    test("the highest bits of the first byte mean nothing", () => {
      // Three literals, then four bytes from two before: 32 * (4 - 2) + 0, 1.
      for (const level of [0, 32, 0xe0]) {
        expect([...decoder.decode(chunk(0, 7, [level | 2, 7, 8, 9, 64, 1]))]).toEqual([7, 8, 9, 8, 9, 8, 9]);
      }
    });

    test.each([
      ["a match before anything", 5, [0, 1, 64, 1]],
      ["a match that is longer than the output", 3, [0, 1, 96, 0]],
      ["a match without its distance", 9, [0, 1, 64]],
      ["a length that does not end", 300, [0, 1, 224, 255]],
      ["a long distance without its last byte", 9, [0, 1, 95, 255, 0]],
      ["literals that are not there", 9, [7, 1]],
      ["literals that are more than the output", 1, [7, 1, 2, 3, 4, 5, 6, 7, 8]],
      ["an output that is too short", 30, [0, 1, 64, 0]],
    ])("%s is ERR_CORRUPT", (_name, size, stream) => {
      expect(() => decoder.decode(chunk(0, size, stream))).toThrow(
        expect.objectContaining({ code: "ERR_CORRUPT" }),
      );
    });
  },
);

test("snappy is told", () => {
  expect(() => createBloscDecoder().decode(chunk(2, 9, [1, 2, 3]))).toThrow(
    expect.objectContaining({ code: "ERR_UNSUPPORTED", message: expect.stringContaining("snappy") }),
  );
});

test("zstd where there is no WebAssembly says what it takes", () => {
  const refuse = () => {
    throw new Error("asked");
  };
  const decoder = createBloscDecoder(undefined, refuse);
  expect(() => decoder.decode(named(/^ramp, zstd 5, shuffle 1/))).toThrow("asked");
  // Others do not ask for it.
  const encoded = createBloscEncoder().encode(new Uint8Array(1000), { typeSize: 2 });
  expect(decoder.decode(encoded)).toEqual(new Uint8Array(1000));
});
