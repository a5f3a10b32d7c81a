import { constants, gzipSync } from "node:zlib";
import { createGzipDecoder } from "@lazyimg/codecs";
import { describe, expect, test } from "vitest";

const decoder = createGzipDecoder()!;

/** Longer than what the inflater takes and gives at once; half of it compresses. */
const plain = Uint8Array.from({ length: 900_000 }, (_, n) =>
  n < 450_000 ? 100 * Math.sin(n / 900) : Math.imul(n ^ (n >>> 7), 0x9e3779b1) >>> 24,
);
const { Z_FIXED, Z_HUFFMAN_ONLY } = constants;

describe("a single member is decoded into memory that is there", () => {
  test.each([{ level: 0 }, { level: 1 }, { level: 9 }, { strategy: Z_FIXED }, { strategy: Z_HUFFMAN_ONLY }])(
    "%o",
    (options) => {
      const out = new Uint8Array(plain.length);
      expect(decoder.decodeTo(gzipSync(plain, options), out)).toBe(true);
      expect(Buffer.compare(out, plain)).toBe(0);
    },
  );

  test("at any place, and an empty one", () => {
    const memory = new Uint8Array(plain.length + 9).fill(7);
    expect(decoder.decodeTo(gzipSync(plain), memory.subarray(5, 5 + plain.length))).toBe(true);
    expect(Buffer.compare(memory.subarray(5, 5 + plain.length), plain)).toBe(0);
    expect([...memory.subarray(0, 5), ...memory.subarray(-4)]).toEqual(Array(9).fill(7));
    expect(decoder.decodeTo(gzipSync(""), new Uint8Array(0))).toBe(true);
  });
});

describe("everything else is left to others", () => {
  const short = plain.slice(0, 3000);
  const whole = new Uint8Array(gzipSync(short));
  const isDecoded = (bytes: Uint8Array, size = short.length) => decoder.decodeTo(bytes, new Uint8Array(size));
  const changed = (at: number, by: number) => whole.map((byte, n) => (n === at ? byte ^ by : byte));

  test("wherever it is cut", () => {
    for (let length = 0; length < whole.length; length++)
      expect(isDecoded(whole.subarray(0, length))).toBe(false);
  });
  test("wherever a byte is wrong, but for time, compression and system in the header", () => {
    for (let at = 0; at < whole.length; at++) {
      expect(isDecoded(changed(at, 1))).toBe(at >= 4 && at < 10);
    }
    expect(isDecoded(whole)).toBe(true);
  });
  test("of another length", () => {
    expect(isDecoded(whole, short.length - 1)).toBe(false);
    expect(isDecoded(whole, short.length + 1)).toBe(false);
    // A lie about it, too: more, and less, than there is.
    for (const size of [1000, 5000]) {
      const lying = whole.slice();
      new DataView(lying.buffer).setUint32(lying.length - 4, size, true);
      expect(isDecoded(lying, size)).toBe(false);
    }
  });
  test("with something behind it, or a second member", () => {
    expect(isDecoded(Uint8Array.from([...whole, 0]))).toBe(false);
    const trailer = whole.subarray(-8);
    expect(isDecoded(Uint8Array.from([...whole, ...trailer]))).toBe(false);
    const two = Buffer.concat([gzipSync(short.subarray(0, 1000)), gzipSync(short.subarray(1000))]);
    expect(isDecoded(two)).toBe(false);
  });
});
