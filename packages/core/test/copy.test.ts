import {
  allocate,
  bytesOf,
  type Shape4D,
  type Strides4D,
  stridedCopy,
  stridesOf,
  Tensor,
} from "@lazyimg/core";
import { describe, expect, test } from "vitest";
import { layout, randomBytes } from "./support/arbitrary.js";

/** Sizes around the edges of copy.ts's tiles (16 along the target, 128 along the source) and of its memcpy (32). */
const around = [1, 15, 16, 17, 31, 32, 33, 127, 128, 129, 257];

function naive(from: Tensor<"uint32">, to: Tensor<"uint32">): void {
  const [c, i, j, k] = from.shape;
  const at = ({ strides: s, offset }: Tensor, p: number[]) =>
    offset + p[0]! * s[0] + p[1]! * s[1] + p[2]! * s[2] + p[3]! * s[3];
  for (let n = 0; n < c * i * j * k; n++) {
    const p = [Math.floor(n / (i * j * k)), Math.floor(n / (j * k)) % i, Math.floor(n / k) % j, n % k];
    to.data[at(to, p)] = from.data[at(from, p)]!;
  }
}

describe.each(around)("%d elements along I", (i) => {
  test.each(around)("and %d along K, transposed", (k) => {
    const shape: Shape4D = [2, i, 2, k];
    const data = Uint32Array.from({ length: 4 * i * k }, (_, n) => n);
    const from = new Tensor({ data, dtype: "uint32", shape, strides: [2 * i * k, 1, i, 2 * i] });
    const expected = new Tensor({ data: new Uint32Array(data.length), dtype: "uint32", shape });
    naive(from, expected);
    expect(same(from.copy("C"), expected)).toBe(true);
  });
});

describe.each(["uint8", "int16", "float32", "float64", "complex128"] as const)("%s", (dtype) => {
  test("every order of axes, into every other, with tiles that do not come out even", () => {
    const shape: Shape4D = [3, 19, 5, 131];
    const orders = [
      [3, 2, 1, 0],
      [0, 1, 2, 3],
      [1, 2, 3, 0],
      [2, 0, 3, 1],
      [1, 3, 0, 2],
    ];
    for (const order of orders) {
      const { length, ...place } = layout(shape, order, [false, order[0] === 2, false, order[0] === 1], 0);
      const from = new Tensor({ data: allocate(dtype, length), dtype, shape, ...place });
      randomBytes(bytesOf(from.data), length);
      const once = from.copy("C");
      // There and back again is the same memory only if both ways are right, and the way there is checked by sampling.
      for (const other of orders) {
        const target = new Tensor({
          data: allocate(dtype, once.size),
          dtype,
          shape,
          strides: layout(shape, other, [false, false, false, false], 0).strides,
        });
        from.copyTo(target);
        expect(same(target.copy("C"), once)).toBe(true);
      }
      for (let n = 0; n < 500; n++) {
        const p = shape.map((size, axis) => (n * [1, 7, 3, 37][axis]!) % size) as [
          number,
          number,
          number,
          number,
        ];
        expect(once.at(...p)).toEqual(from.at(...p));
      }
    }
  });
});

const same = (a: Tensor, b: Tensor) => Buffer.compare(bytesOf(a.data), bytesOf(b.data)) === 0;

test("NaN payloads survive", () => {
  const bits = new Uint32Array([0x7fc00001, 0xffc12345, 0x7f800001, 0x7fabcdef, 0x80000000, 0x7f800000]);
  const narrow = new Tensor({ data: new Float32Array(bits.buffer), dtype: "float32", shape: [1, 2, 3, 1] });
  expect(new Uint32Array(narrow.copy("F").copy("C").data.buffer)).toEqual(bits);
  const words = new BigUint64Array([
    0x7ff8000000000001n,
    0xfff4123456789abcn,
    0x7ff0000000000001n,
    1n << 63n,
  ]);
  const wide = new Tensor({ data: new Float64Array(words.buffer), dtype: "float64", shape: [1, 2, 2, 1] });
  expect(new BigUint64Array(wide.copy("F").copy("C").data.buffer)).toEqual(words);
});

test("a broadcast axis is repeated, and long rows are copied whole", () => {
  const data = Uint16Array.from({ length: 100 }, (_, n) => n);
  const strides: Strides4D = [0, 0, 0, 1];
  const copy = new Tensor({ data, dtype: "uint16", shape: [2, 1, 3, 100], strides }).copy();
  expect(copy.strides).toEqual(stridesOf([2, 1, 3, 100]));
  for (let row = 0; row < 6; row++) expect(copy.data.slice(row * 100, row * 100 + 100)).toEqual(data);
});

test("a planned copy is made from and to anywhere, element by element", () => {
  for (const dtype of ["uint16", "float64"] as const) {
    const from = { data: allocate(dtype, 200), dtype, strides: [1, 20], offset: 3 };
    from.data.forEach((_, n) => {
      from.data[n] = n + 1;
    });
    const to = { data: allocate(dtype, 100), dtype, strides: [5, 1], offset: 1 };
    const copy = stridedCopy(from, to, [4, 5]);
    copy(0, 0);
    copy(7, 40);
    const expected = allocate(dtype, 100);
    for (let x = 0; x < 4; x++) {
      for (let y = 0; y < 5; y++) {
        expected[1 + 5 * x + y] = 3 + x + 20 * y + 1;
        expected[41 + 5 * x + y] = 10 + x + 20 * y + 1;
      }
    }
    expect(to.data).toEqual(expected);
  }
});

test("any number of axes, and none that is empty", () => {
  const from = { data: Int32Array.of(1, 2, 3, 4, 5, 6), dtype: "int32" as const, strides: [-1], offset: 5 };
  const to = { data: new Int32Array(6), dtype: "int32" as const, strides: [1], offset: 0 };
  stridedCopy(from, to, [0])(0, 0);
  expect([...to.data]).toEqual([0, 0, 0, 0, 0, 0]);
  stridedCopy(from, to, [6])(0, 0);
  expect([...to.data]).toEqual([6, 5, 4, 3, 2, 1]);
  stridedCopy({ ...from, strides: [] }, { ...to, strides: [] }, [])(0, 0);
  expect([...to.data]).toEqual([6, 5, 4, 3, 2, 1]);
});
