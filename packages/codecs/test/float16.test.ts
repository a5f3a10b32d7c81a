import { crc32, float16Bits, widenFloat16 } from "@lazyimg/codecs";
import { expect, test } from "vitest";

test("every float16 is what numpy makes of it", () => {
  const values = widenFloat16(Uint16Array.from({ length: 1 << 16 }, (_, bits) => bits));
  expect(values.filter(Number.isNaN).length).toBe(2 * 1023);
  const bytes = new Uint8Array(values.map((value) => (Number.isNaN(value) ? 0 : value)).buffer);
  // np.arange(65536, dtype="<u2").view("<f2").astype("<f4"), NaN as 0, zlib.crc32
  expect(crc32(bytes)).toBe(4020053474);
});

test("every float16 has its own bits", () => {
  const bits = Uint16Array.from({ length: 1 << 16 }, (_, n) => n);
  const wrong = [...widenFloat16(bits)].filter(
    (value, n) => !Number.isNaN(value) && float16Bits(value) !== bits[n],
  );
  expect(wrong).toEqual([]);
});

// np.array(values).astype(np.float16).view(np.uint16)
test.each([
  [0.1, 11878],
  [1 / 3, 13653],
  [-0.3333, 46421],
  [65504, 31743],
  [65519.996, 31743],
  [65520, 31744],
  [1e9, 31744],
  [Number.NEGATIVE_INFINITY, 64512],
  [2 ** -14, 1024],
  [6.097e-5, 1023],
  [2 ** -25, 0],
  [2 ** -25 * 1.0001, 1],
  [1.5 * 2 ** -24, 2],
  [1e-8, 0],
  [2049, 26624],
  [2051, 26626],
  [-0, 32768],
  [Number.NaN, 32256],
])("%d has bits %d, as in numpy", (value, bits) => {
  expect(float16Bits(value)).toBe(bits);
});
