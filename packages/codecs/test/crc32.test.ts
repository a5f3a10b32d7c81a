import * as zlib from "node:zlib";
import { combineCrc32, crc32, createJsKernel, createWasmKernel } from "@lazyimg/codecs";
import { expect, it } from "vitest";

const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * i * 31) >> 3);

// The oracle is the trailer that zlib writes: Node's own crc32 came with 20.15.
const oracle = (data: Uint8Array): number => zlib.gzipSync(data).readUInt32LE(zlib.gzipSync(data).length - 8);

it("is zlib's, of every length and in both kernels", () => {
  for (const length of [0, 1, 2, 3, 4, 15, 16, 17, 31, 33, 4999]) {
    const data = bytes.subarray(0, length);
    expect(crc32(data)).toBe(oracle(data));
    for (const kernel of [createWasmKernel()!, createJsKernel()]) {
      kernel.output.set(data, 7);
      expect(kernel.crc32(7, 7 + length, 0)).toBe(oracle(data));
    }
  }
});

it("goes on, and combines", () => {
  for (const cut of [0, 1, 100, 2500, 5000]) {
    const [first, second] = [bytes.subarray(0, cut), bytes.subarray(cut)];
    expect(crc32(second, crc32(first))).toBe(oracle(bytes));
    expect(combineCrc32(crc32(first), crc32(second), second.length)).toBe(oracle(bytes));
  }
});
