import { createAffine, DTYPES, type DType, IDENTITY, sizeOf } from "@lazyimg/core";
import { volume } from "@lazyimg/testkit";
import { expect, test } from "vitest";

const dtypes = Object.keys(DTYPES) as DType[];
const shape = [2, 20, 21, 22] as const;

test.each(dtypes)("%s: values are distinct, as far as there are enough", (dtype) => {
  const { tensor } = volume({ dtype, shape });
  expect(tensor).toMatchObject({ dtype, shape, offset: 0 });
  const { lanes, itemSize, kind } = DTYPES[dtype];
  const values = new Set(
    Array.from({ length: sizeOf(shape) }, (_, n) => tensor.data.slice(n * lanes, (n + 1) * lanes).join()),
  );
  expect(values.size).toBe(
    kind === "f" || kind === "c" ? sizeOf(shape) : Math.min(sizeOf(shape), 2 ** (8 * itemSize)),
  );
});

test.each(dtypes)("%s: neighbours along every axis differ", (dtype) => {
  const { tensor } = volume({ dtype, shape: [3, 8, 9, 10] });
  const at = (p: number[]) => String(tensor.at(p[0]!, p[1]!, p[2]!, p[3]!));
  for (const axis of [0, 1, 2, 3]) {
    let alike = 0;
    for (let n = 0; n < tensor.size; n++) {
      const p = [Math.floor(n / 720), Math.floor(n / 90) % 8, Math.floor(n / 10) % 9, n % 10];
      if (p[axis] === 0) continue;
      const before = [...p];
      before[axis]!--;
      if (at(p) === at(before)) alike++;
    }
    expect(alike).toBe(0);
  }
});

test.each(["int8", "int16", "int32", "int64"] as const)("%s: both signs are there", (dtype) => {
  const values = Array.from(volume({ dtype, shape }).tensor.data as ArrayLike<number | bigint>);
  expect(values.some((value) => value < 0) && values.some((value) => value > 0)).toBe(true);
});

test("64-bit values are beyond what a double holds", () => {
  const { data } = volume({ dtype: "uint64", shape }).tensor;
  expect(data.some((value) => BigInt(Number(value)) !== value)).toBe(true);
});

test("the same volume comes again, in memory of its own", () => {
  const [a, b] = [volume({ dtype: "int16", shape }), volume({ dtype: "int16", shape })];
  expect(a.tensor.data).toEqual(b.tensor.data);
  expect(a.tensor.data.buffer).not.toBe(b.tensor.data.buffer);
});

test("the affine is oblique and frozen, or the one that was given", () => {
  const { affine } = volume({ dtype: "int8", shape: [1, 2, 3, 4] });
  expect(createAffine(affine)).toEqual(affine);
  expect(Object.isFrozen(affine)).toBe(true);
  expect(new Set(affine.map(Math.abs)).size).toBeGreaterThan(10);
  expect(volume({ dtype: "int8", shape: [1, 2, 3, 4], affine: IDENTITY }).affine).toEqual(IDENTITY);
});
