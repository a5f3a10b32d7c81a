import { runInNewContext } from "node:vm";
import {
  allocate,
  bytesOf,
  DTYPES,
  isTensor,
  type Shape4D,
  sizeOf,
  slice,
  stridesOf,
  Tensor,
} from "@lazyimg/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyItem, anyTensor, DTYPE_NAMES } from "./support/arbitrary.js";
import { bytesInOrder, each, positions } from "./support/naive.js";

const shape: Shape4D = [2, 3, 4, 5];
const data = Int16Array.from({ length: 120 }, (_, n) => n);
const tensor = new Tensor({ data, dtype: "int16", shape });
const invalid = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" });

describe("constructor", () => {
  test("C order and no offset when nothing is said", () => {
    expect(tensor).toMatchObject({ strides: [60, 20, 5, 1], offset: 0, size: 120 });
    expect(tensor.data).toBe(data);
  });

  test.each<[string, object]>([
    ["three sizes", { shape: [2, 3, 4] }],
    ["five sizes", { shape: [1, 1, 1, 1, 1] }],
    ["no shape", { shape: undefined }],
    ["a negative size", { shape: [2, -3, 4, 5] }],
    ["a fractional size", { shape: [2, 1.5, 4, 5] }],
    ["NaN for a size", { shape: [2, Number.NaN, 4, 5] }],
    ["too few elements", { shape: [2, 3, 4, 6] }],
    ["an offset past the end", { offset: 1 }],
    ["a negative offset", { offset: -1, shape: [1, 1, 1, 1] }],
    ["a fractional offset", { offset: 0.5, shape: [1, 1, 1, 1] }],
    ["strides that leave the array", { strides: [60, 20, 5, 2] }],
    ["negative strides that leave the array", { strides: [60, 20, 5, -1] }],
    ["fractional strides", { strides: [60, 20, 0.5, 1], shape: [1, 1, 3, 1] }],
    ["NaN strides", { strides: [60, 20, 5, Number.NaN] }],
    ["three strides", { strides: [20, 5, 1] }],
    ["five strides", { strides: [60, 20, 5, 1, 1] }],
    ["another array", { data: new Int32Array(120) }],
    ["an array of the same width", { data: new Uint16Array(120) }],
    ["a plain array", { data: Array.from(data) }],
    ["no array", { data: undefined }],
  ])("refuses %s", (_, wrong) => {
    expect(() => new Tensor({ data, dtype: "int16", shape, ...wrong } as never)).toThrow(invalid);
  });

  test("refuses an unknown dtype, by another code", () => {
    for (const dtype of ["float16", "toString", undefined, 7]) {
      expect(() => new Tensor({ data, dtype, shape } as never)).toThrow(
        expect.objectContaining({ code: "ERR_UNSUPPORTED_DTYPE" }),
      );
    }
  });

  test("a complex element needs both of its parts", () => {
    const one = { dtype: "complex64", shape: [1, 1, 1, 1] } as const;
    expect(() => new Tensor({ ...one, data: new Float32Array(1) })).toThrow(invalid);
    expect(() => new Tensor({ ...one, data: new Float32Array(3), offset: 1 })).toThrow(invalid);
    expect(new Tensor({ ...one, data: new Float32Array([1, 2, 3]) }).at(0, 0, 0, 0)).toEqual([1, 2]);
  });

  test("an empty tensor needs no memory", () => {
    const empty = new Tensor({ data: new Int16Array(0), dtype: "int16", shape: [2, 0, 4, 5] });
    expect(empty.size).toBe(0);
    expect(empty.copy("F").data.length).toBe(0);
    expect(empty.slice([0, slice(0, 5)]).shape).toEqual([1, 0, 4, 5]);
    expect(empty.astype("float64")).toMatchObject({ dtype: "float64", shape: [2, 0, 4, 5] });
    expect(() => empty.at(0, 0, 0, 0)).toThrow(expect.objectContaining({ code: "ERR_INDEX" }));
  });

  test("arrays of another realm are taken", () => {
    const foreign = runInNewContext("new Int16Array([7])") as Int16Array;
    expect(foreign instanceof Int16Array).toBe(false);
    expect(new Tensor({ data: foreign, dtype: "int16", shape: [1, 1, 1, 1] }).at(0, 0, 0, 0)).toBe(7);
  });

  test("shared memory and Node's Buffer are taken", () => {
    const shared = new Uint8Array(new SharedArrayBuffer(3));
    for (const bytes of [shared, Buffer.alloc(3)]) {
      expect(new Tensor({ data: bytes, dtype: "uint8", shape: [1, 1, 1, 3] }).copy().data).toEqual(
        new Uint8Array(3),
      );
    }
  });

  test("strides of 0 repeat an element", () => {
    const repeated = new Tensor({ data: new Int16Array([5]), dtype: "int16", shape, strides: [0, 0, 0, 0] });
    expect(repeated.copy().data).toEqual(new Int16Array(120).fill(5));
    expect(repeated.astype("float32").data).toEqual(new Float32Array(120).fill(5));
  });
});

describe("at", () => {
  test("every element", () => {
    each(shape, (p) => {
      const [c, i, j, k] = p as [number, number, number, number];
      expect(tensor.at(c, i, j, k)).toBe(((c * 3 + i) * 4 + j) * 5 + k);
    });
  });

  test("negative positions count from the end", () => {
    expect(tensor.at(-1, -1, -1, -1)).toBe(119);
    expect(tensor.at(-2, -3, -4, -5)).toBe(0);
  });

  test.each([
    [2, 0, 0, 0],
    [0, 3, 0, 0],
    [0, 0, -5, 0],
    [0, 0, 0, 5],
    [0, 0, 0, 0.5],
  ])("not %d, %d, %d, %d", (...p) => {
    expect(() => tensor.at(...(p as [number, number, number, number]))).toThrow(
      expect.objectContaining({ code: "ERR_INDEX" }),
    );
  });

  test("a number, a bigint, or a pair", () => {
    const one = (dtype: keyof typeof DTYPES) =>
      new Tensor({ data: allocate(dtype, 1), dtype, shape: [1, 1, 1, 1] }).at(0, 0, 0, 0);
    for (const dtype of DTYPE_NAMES) {
      expect(one(dtype)).toEqual(dtype.startsWith("complex") ? [0, 0] : dtype.endsWith("int64") ? 0n : 0);
    }
  });
});

describe("slice", () => {
  test("is a view of the same memory", () => {
    const view = tensor.slice([1, slice(null, null, -1), slice(1, null, 2)]);
    expect(view.data).toBe(data);
    expect(view.shape).toEqual([1, 3, 2, 5]);
    expect(view.at(0, 0, 0, 0)).toBe(tensor.at(1, 2, 1, 0));
    expect(view.at(0, 2, 1, 4)).toBe(tensor.at(1, 0, 3, 4));
  });

  test("any index of any tensor, and an index of that", () => {
    const cases = anyTensor().chain((whole) =>
      fc.tuple(
        fc.constant(whole),
        fc.tuple(...whole.shape.map(anyItem)),
        fc.tuple(...whole.shape.map(anyItem)),
      ),
    );
    fc.assert(
      fc.property(cases, ([whole, first, second]) => {
        const chosen = whole.shape.map((size, axis) => chosenPositions(size, first[axis]));
        const view = whole.slice(first);
        expect(bytesInOrder(view)).toEqual(pick(whole, chosen));
        const fits = second.map((item, axis) =>
          typeof item === "number" && chosen[axis]!.length <= Math.max(item, -item - 1) ? null : item,
        );
        const twice = chosen.map((list, axis) =>
          chosenPositions(list.length, fits[axis]).map((n) => list[n]!),
        );
        expect(bytesInOrder(view.slice(fits))).toEqual(pick(whole, twice));
      }),
    );
  });
});

function chosenPositions(size: number, item: unknown): number[] {
  if (typeof item === "number") return [item < 0 ? item + size : item];
  return positions(
    size,
    (item ?? { start: null, stop: null, step: null }) as Parameters<typeof positions>[1],
  );
}

function pick(whole: Tensor, chosen: number[][]): Uint8Array {
  const { itemSize } = DTYPES[whole.dtype];
  const bytes = bytesInOrder(whole);
  const strides = stridesOf(whole.shape);
  const result: number[] = [];
  each(chosen.map(({ length }) => length) as unknown as Shape4D, (p) => {
    const element = p.reduce((sum, n, axis) => sum + chosen[axis]![n]! * strides[axis]!, 0);
    result.push(...bytes.subarray(element * itemSize, (element + 1) * itemSize));
  });
  return Uint8Array.from(result);
}

describe("contiguous and copy", () => {
  test("any tensor keeps its bits, in either order", () => {
    fc.assert(
      fc.property(anyTensor(), fc.constantFrom("C" as const, "F" as const), (whole, order) => {
        const copy = whole.copy(order);
        expect(copy).toMatchObject({ dtype: whole.dtype, shape: whole.shape, offset: 0 });
        expect(copy.strides).toEqual(stridesOf(whole.shape, order));
        expect(copy.isContiguous(order)).toBe(true);
        expect(copy.data.buffer).not.toBe(whole.data.buffer);
        expect(bytesInOrder(copy)).toEqual(bytesInOrder(whole));
        expect(bytesInOrder(whole.contiguous(order))).toEqual(bytesInOrder(whole));
      }),
      { numRuns: 500 },
    );
  });

  test("contiguous copies only where it must", () => {
    expect(tensor.contiguous().data).toBe(data);
    expect(tensor.contiguous("F").data).not.toBe(data);
    expect(tensor.copy().data).not.toBe(data);
    const part = tensor.slice(1);
    expect(part.isContiguous()).toBe(true);
    // It would keep the rest of the memory alive, and its offset.
    expect(part.contiguous().data.length).toBe(60);
  });

  test("an axis of size 1 may have any stride", () => {
    const odd = new Tensor({ data, dtype: "int16", shape: [1, 6, 4, 5], strides: [7, 20, 5, 1] });
    expect(odd.isContiguous()).toBe(true);
    expect(odd.contiguous()).toMatchObject({ data, strides: [120, 20, 5, 1] });
  });

  test("what is dense in both orders is so for both", () => {
    const line = new Tensor({ data: new Int8Array(5), dtype: "int8", shape: [1, 1, 5, 1] });
    expect([line.isContiguous("C"), line.isContiguous("F")]).toEqual([true, true]);
    expect([tensor.isContiguous("F"), tensor.copy("F").isContiguous("C")]).toEqual([false, false]);
  });
});

describe("copyTo", () => {
  test("into a view, leaving the rest of its memory as it is", () => {
    const target = new Tensor({ data: new Int16Array(120).fill(-1), dtype: "int16", shape });
    tensor.slice([0, slice(1, 3)]).copyTo(target.slice([1, slice(null, null, -2)]));
    each(shape, (p) => {
      const [c, i, j, k] = p as [number, number, number, number];
      const expected = c === 1 && i !== 1 ? tensor.at(0, i === 2 ? 1 : 2, j, k) : -1;
      expect(target.at(c, i, j, k)).toBe(expected);
    });
  });

  test("refuses another dtype or shape", () => {
    expect(() => tensor.copyTo(tensor.astype("int32") as never)).toThrow(invalid);
    expect(() => tensor.copyTo(tensor.slice(0))).toThrow(invalid);
  });
});

describe("helpers", () => {
  test("sizeOf and stridesOf", () => {
    expect(sizeOf([2, 3, 4, 5])).toBe(120);
    expect(sizeOf([2, 0, 4, 5])).toBe(0);
    expect(stridesOf([2, 3, 4, 5], "F")).toEqual([1, 2, 6, 24]);
  });

  test("toZarrChunk is in C order", () => {
    const chunk = tensor.slice([0, slice(1, 2)]).toZarrChunk();
    expect(chunk).toEqual({ data: data.slice(20, 40), shape: [1, 1, 4, 5], stride: [20, 20, 5, 1] });
  });

  test("isTensor", () => {
    expect(isTensor(tensor)).toBe(true);
    const { data: _, ...rest } = tensor;
    for (const other of [
      undefined,
      null,
      1,
      {},
      data,
      rest,
      { ...tensor, dtype: "float16" },
      { data, shape },
    ]) {
      expect(isTensor(other)).toBe(false);
    }
  });

  test("bytesOf is the same memory, and no more than the view's", () => {
    const view = new Int16Array(new ArrayBuffer(10), 2, 3);
    bytesOf(view).fill(1);
    expect([...new Uint8Array(view.buffer)]).toEqual([0, 0, 1, 1, 1, 1, 1, 1, 0, 0]);
  });
});
