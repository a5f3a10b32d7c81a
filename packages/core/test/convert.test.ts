import {
  allocate,
  bytesOf,
  convert,
  DTYPES,
  type DType,
  type Shape4D,
  scaledDType,
  slice,
  Tensor,
} from "@lazyimg/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyDType, anyTensor } from "./support/arbitrary.js";
import { golden } from "./support/golden.js";
import { bytesInOrder } from "./support/naive.js";

interface Case {
  readonly from: DType;
  readonly to: DType;
  readonly count: number;
  readonly values: string;
  readonly expected: string;
}

const { cases } = golden<{ cases: Case[] }>("astype.json");

function decode<D extends DType>(dtype: D, count: number, base64: string): Tensor<D> {
  const data = allocate(dtype, count);
  bytesOf(data).set(Buffer.from(base64, "base64"));
  return new Tensor({ data, dtype, shape: [1, 1, 1, count] });
}

const line = <D extends DType>(dtype: D, data: Tensor<D>["data"]) =>
  new Tensor({ data, dtype, shape: [1, 1, 1, data.length / DTYPES[dtype].lanes] as Shape4D });

describe("astype", () => {
  test("every pair of types is there", () => {
    expect(new Set(cases.map(({ from, to }) => `${from} ${to}`)).size).toBe(144);
  });

  test.each(cases.map((entry) => [entry.from, entry.to, entry] as const))(
    "%s to %s is numpy's",
    (from, to, entry) => {
      const values = decode(from, entry.count, entry.values);
      const expected = decode(to, entry.count, entry.expected);
      const result = values.astype(to);
      expect(result.dtype).toBe(to);
      // Bit for bit; a NaN is a NaN.
      expect([...result.data]).toEqual([...expected.data]);
      // The same through the other ways to the same loop: with gaps, and scaled by nothing.
      const spread = new Tensor({
        data: allocate(from, entry.count * 2),
        dtype: from,
        shape: [1, 1, entry.count, 2],
      });
      const place = spread.slice(["...", 0]);
      new Tensor({ data: values.data, dtype: from, shape: [1, 1, entry.count, 1] }).copyTo(place);
      expect([...place.astype<DType>(to).copy().data]).toEqual([...expected.data]);
    },
  );

  test("itself when nothing changes", () => {
    const tensor = line("int16", new Int16Array(3));
    expect(tensor.astype("int16")).toBe(tensor);
  });

  test("refuses an unknown type", () => {
    expect(() => line("int16", new Int16Array(3)).astype("float16" as DType)).toThrow(
      expect.objectContaining({ code: "ERR_UNSUPPORTED_DTYPE", message: expect.stringContaining("float16") }),
    );
  });

  test("64-bit integers are rounded to float32 once, not twice", () => {
    // Halfway between two floats in double precision, and just beyond it in truth.
    const values = BigInt64Array.of(
      2n ** 60n + 2n ** 36n + 1n,
      -(2n ** 60n) - 2n ** 36n - 1n,
      2n ** 60n + 2n ** 36n,
    );
    const up = 2 ** 60 + 2 ** 37;
    expect([...line("int64", values).astype("float32").data]).toEqual([up, -up, 2 ** 60]);
    expect(line("int64", values).astype("complex64").at(0, 0, 0, 0)).toEqual([up, 0]);
  });

  test("any tensor, any layout: shape and order stay, memory does not", () => {
    fc.assert(
      fc.property(anyTensor(), anyDType, (tensor, dtype) => {
        const result = tensor.astype(dtype);
        expect(result.shape).toEqual(tensor.shape);
        // What the layout is must not matter to the values.
        expect(bytesInOrder(result)).toEqual(bytesInOrder(tensor.copy().astype(dtype)));
        if (dtype !== tensor.dtype) expect(result.data.buffer).not.toBe(tensor.data.buffer);
      }),
      { numRuns: 500 },
    );
  });

  test("dense strides are kept: nothing is transposed that nobody asked for", () => {
    const tensor = new Tensor({ data: new Int16Array(24), dtype: "int16", shape: [1, 2, 3, 4] }).copy("F");
    expect(tensor.astype("float32").strides).toEqual(tensor.strides);
    expect(tensor.slice([null, null, null, slice(1, 3)]).astype("float32").strides).toEqual(tensor.strides);
  });
});

describe("scaling", () => {
  const scaling = { slope: 0.1, inter: -1024 };

  test("float64, and complex128 for complex", () => {
    for (const dtype of Object.keys(DTYPES) as DType[]) {
      expect(scaledDType(dtype)).toBe(dtype.startsWith("complex") ? "complex128" : "float64");
    }
  });

  test.each(Object.keys(DTYPES) as DType[])("%s: one rounding for the product, one for the sum", (dtype) => {
    const data = allocate(dtype, 4);
    const big = dtype.endsWith("int64");
    for (let n = 0; n < data.length; n++)
      (data as { [n: number]: unknown })[n] = big ? BigInt(n * 37) : n * 37;
    const { lanes } = DTYPES[dtype];
    const result = convert(line(dtype, data), scaledDType(dtype), scaling);
    const expected = Array.from(
      { length: data.length },
      (_, n) => n * 37 * 0.1 + (n % lanes === 1 ? 0 : -1024),
    );
    expect([...result.data]).toEqual(expected);
  });

  test("to another type: computed in float64, then converted", () => {
    const stored = line("int16", Int16Array.of(-32768, -1, 0, 1, 32767));
    const exact = convert(stored, "float64", scaling);
    for (const dtype of ["float32", "int32", "int64", "uint8", "complex64"] as const) {
      const direct = convert(stored, dtype, scaling);
      expect([...direct.data]).toEqual([...exact.astype<DType>(dtype).data]);
    }
  });

  test("64-bit integers are scaled as doubles", () => {
    const stored = line("uint64", BigUint64Array.of(2n ** 63n, 3n));
    expect([...convert(stored, "float64", { slope: 2, inter: 1 }).data]).toEqual([2 ** 64, 7]);
    expect([...convert(stored, "int64", { slope: 0.5, inter: 1 }).data]).toEqual([2n ** 62n, 2n]);
  });

  test("an intercept of 0 keeps the sign of zero", () => {
    const zeros = line("float32", Float32Array.of(-0, 0));
    expect([...convert(zeros, "float64", { slope: 2, inter: 0 }).data].map((v) => Object.is(v, -0))).toEqual([
      true,
      false,
    ]);
  });

  test("a complex value is scaled in both parts and shifted in one", () => {
    const stored = line("complex64", Float32Array.of(1, 2, 3, 4));
    expect([...convert(stored, "complex128", { slope: 2, inter: 10 }).data]).toEqual([12, 4, 16, 8]);
    expect([...convert(stored, "float64", { slope: 2, inter: 10 }).data]).toEqual([12, 16]);
  });
});
