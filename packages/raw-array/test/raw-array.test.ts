import { bytesSource, cached } from "@lazyimg/byte-source";
import {
  type ByteSource,
  bytesOf,
  DTYPES,
  type DType,
  defineBackend,
  type ImageDataBackend,
  type Index,
  type Shape4D,
  slice,
  Tensor,
} from "@lazyimg/core";
import { checkLayout, rawArray, stridesInOrder, swapBytes } from "@lazyimg/raw-array";
import { countingSource, volume } from "@lazyimg/testkit";
import { describe, expect, test } from "vitest";

const AFFINE = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
const OFFSET = 37; // misaligned for every type

interface File {
  readonly expected: Tensor;
  readonly bytes: Uint8Array;
  open(source: ByteSource): ImageDataBackend;
}

/** A file that holds a known volume with its axes in the given order. */
function file(dtype: DType, shape: Shape4D, order: readonly number[], littleEndian: boolean): File {
  const expected = volume({ dtype, shape }).tensor;
  const strides = stridesInOrder(shape, order);
  const { array, lanes, itemSize } = DTYPES[dtype];
  const elements = expected.size;
  const data = new array(elements * lanes);
  expected.copyTo(new Tensor({ data, dtype, shape, strides }));
  if (!littleEndian) swapBytes(data);
  const bytes = new Uint8Array(OFFSET + elements * itemSize);
  bytes.set(bytesOf(data), OFFSET);
  const layout = { dtype, shape, strides, littleEndian, offset: OFFSET };
  return {
    expected,
    bytes,
    open: (source) => defineBackend({ ...rawArray(source, layout), shape, dtype, affine: AFFINE }),
  };
}

/** A source whose streams come in pieces of odd sizes, each in memory that is used again. */
function choppy(bytes: Uint8Array, gap: number): ByteSource {
  const inner = bytesSource(bytes);
  let seed = 1;
  return {
    gap,
    size: () => inner.size(),
    read: (offset, length, options) => inner.read(offset, length, options),
    async *stream(offset, length) {
      const memory = new Uint8Array(70_000);
      for (let at = offset; at < offset + length; ) {
        seed = (seed * 48271) % 2147483647;
        const count = Math.min(1 + (seed % memory.length), offset + length - at, bytes.length - at);
        if (count <= 0) return;
        memory.set(bytes.subarray(at, at + count));
        yield memory.subarray(0, count);
        at += count;
      }
    },
  };
}

const same = (region: Tensor, expected: Tensor): void => {
  expect(region.shape).toEqual(expected.shape);
  const [a, b] = [bytesOf(region.copy("C").data), bytesOf(expected.copy("C").data)];
  // Buffers compare fast; toEqual would take seconds.
  expect(Buffer.compare(a, b)).toBe(0);
};

const orders = { nifti: [1, 2, 3, 0], interleaved: [0, 1, 2, 3], "C order": [3, 2, 1, 0], odd: [2, 0, 3, 1] };

describe.each(Object.entries(orders))("%s", (_, order) => {
  const small = [
    ["uint8", [2, 5, 4, 3], true],
    ["int16", [3, 4, 6, 5], false],
    ["float64", [1, 7, 5, 3], false],
    ["complex64", [2, 3, 5, 4], false],
    ["int64", [2, 3, 4, 5], true],
  ] as const;
  const indices: Index[] = [
    "...",
    [0, 1, 2, 1],
    [null, slice(1, 3)],
    ["...", slice(null, null, 2)],
    [null, slice(null, null, -1), slice(3, 0, -2), slice(1, 3)],
    [slice(0, 1), null, 2],
  ];
  test.each(small)("%s %j, little-endian: %s", async (dtype, shape, littleEndian) => {
    const { expected, bytes, open } = file(dtype, shape, order, littleEndian);
    for (const gap of [0, 5, 1e6]) {
      const image = open(choppy(bytes, gap));
      for (const index of indices) {
        same(await image.read(index), expected.slice(index));
        const out = new DTYPES[dtype].array(expected.slice(index).size * DTYPES[dtype].lanes);
        const result = await image.read(index, { out });
        expect(result.data).toBe(out);
        same(result, expected.slice(index));
      }
    }
  });

  // More than 4 MiB from the first byte to the last: gathered as it streams by.
  test.each([
    ["int16", true],
    ["int16", false],
    ["complex128", false],
    ["uint8", true],
  ] as const)("streams %s, little-endian: %s", async (dtype, littleEndian) => {
    const scale = 16 / DTYPES[dtype].itemSize;
    const { expected, bytes, open } = file(dtype, [3, 61 * scale, 87, 41], order, littleEndian);
    const image = open(choppy(bytes, 1e9));
    const parts: Index[] = [
      [null, slice(1, -1), slice(1, -1), slice(1, -1)],
      [null, 7],
      [null, null, 11],
      ["...", 3],
      [1],
      [null, slice(null, null, 3), slice(null, null, 2), slice(null, null, -5)],
      "...",
    ];
    for (const index of parts) same(await image.read(index), expected.slice(index));
    const out = new DTYPES[dtype].array(expected.size * DTYPES[dtype].lanes);
    same(await image.read("...", { out }), expected);
  });
});

describe("plans", () => {
  const { bytes, open } = file("int16", [4, 64, 32, 16], orders.nifti, true);

  test("merge what lies closer than the gap, and are what is read", async () => {
    for (const [gap, index, requests] of [
      [0, [0, slice(0, 8)], 32 * 16],
      [128, [0, slice(0, 8)], 1],
      [128, [null, 0, 0, 0], 4],
      [1e6, [null, 0, 0, 0], 1],
      [0, [slice(1, 3)], 1],
      [0, [null, null, null, slice(0, 8)], 4],
    ] as const) {
      const source = countingSource({ ...bytesSource(bytes), gap });
      const image = open(source);
      const plan = image.explain!(index as Index);
      await image.read(index as Index);
      expect(plan.requests).toBe(requests);
      expect([source.requests, source.bytes]).toEqual([plan.requests, plan.bytes]);
    }
  });

  test("count what reads share beneath the source once, and what lies between them never", async () => {
    for (const [index, blocks] of [
      [[0, slice(0, 8), null, slice(0, 8)], 32], // eight rows a block
      [[0, 5, 3, slice(0, 16, 4)], 4],
      [[null, 5, 3, slice(0, 12, 11)], 8],
    ] as const) {
      const source = countingSource({ ...bytesSource(bytes), gap: 0 });
      const image = open(cached(source, { blockSize: 1024 }));
      const plan = image.explain!(index as Index);
      await image.read(index as Index);
      expect(plan).toMatchObject({ requests: blocks, bytes: blocks * 1024 });
      expect([source.requests, source.bytes]).toEqual([plan.requests, plan.bytes]);
    }
  });

  test("are read at once: many small ones, and of large ones as many as memory is spent on", async () => {
    const most = async (shape: Shape4D, index: Index): Promise<number> => {
      const { bytes, open } = file("int16", shape, [1, 2, 3, 0], true);
      const inner = bytesSource(bytes);
      let [now, peak] = [0, 0];
      const source: ByteSource = {
        ...inner,
        gap: 4096,
        async read(...args) {
          peak = Math.max(peak, ++now);
          await new Promise((resolve) => setTimeout(resolve, 1));
          now--;
          return inner.read(...args);
        },
      };
      await open(source).read(index);
      return peak;
    };
    // Rows of 128 bytes, and every other voxel of planes of 512 KiB.
    expect(await most([1, 64, 64, 200], [0, null, 1])).toBe(128);
    expect(await most([1, 64, 64, 3], [0, null, 1])).toBe(3);
    expect(await most([1, 512, 512, 20], [0, slice(null, null, 2), null, slice(0, 20, 2)])).toBe(6);
  });

  test("progress ends at its total", async () => {
    const seen: number[] = [];
    await open(bytesSource(bytes)).read([0, slice(0, 8)], {
      onProgress: ({ bytes: done, totalBytes }) => seen.push(done / totalBytes),
    });
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });
});

describe("a source that ends early", () => {
  const { bytes, open } = file("int16", [3, 400, 87, 41], orders.nifti, true);
  const cut = bytes.subarray(0, bytes.length - 3);
  test.each([
    ["dense", "..." as Index],
    ["gaps", [2, slice(0, 3), slice(0, 3)] as Index],
    ["streamed", [null, 3] as Index],
  ])("%s: ERR_TRUNCATED", async (_, index) => {
    const image = open(choppy(index === "..." ? cut : bytes.subarray(0, bytes.length / 2), 1e9));
    await expect(image.read(index)).rejects.toMatchObject({ code: "ERR_TRUNCATED" });
  });
});

describe("checkLayout", () => {
  const layout = {
    dtype: "int16" as const,
    shape: [1, 10, 10, 10] as const,
    littleEndian: true,
    offset: 352,
  };
  const strides = stridesInOrder(layout.shape, orders.nifti);
  test("accepts what fits to the byte", () => {
    checkLayout({ ...layout, strides }, 2352, "x.nii");
    checkLayout({ ...layout, strides }, null, "x.nii");
  });
  test("refuses what does not, in words", () => {
    expect(() => checkLayout({ ...layout, strides }, 2351, "x.nii")).toThrow(/x\.nii.*byte 2352.*2351 bytes/);
    const shape = [2 ** 20, 2 ** 20, 2 ** 20, 1] as const;
    const huge = { ...layout, shape, strides: stridesInOrder(shape, orders.nifti) };
    expect(() => checkLayout(huge, null, "x.nii")).toThrow(expect.objectContaining({ code: "ERR_HEADER" }));
  });
});
