import {
  type Affine,
  affinesEqual,
  createAffine,
  IDENTITY,
  invertAffine,
  multiplyAffines,
  resolveIndex,
  slice,
  spacingOf,
  type Vector3,
} from "@lazyimg/core";
import { applyAffine, cropAffine } from "@lazyimg/image";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyItem } from "./support/arbitrary.js";

const rows = [
  [-2, 0.25, 0, 90],
  [0.5, 3, -0.125, -126],
  [0, 0.5, 4, -72],
  [0, 0, 0, 1],
];
const affine = createAffine(rows);
const invalid = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" });

/** Any affine whose columns are far from parallel. */
const anyAffine: fc.Arbitrary<Affine> = fc
  .tuple(
    fc.array(fc.double({ min: -0.2, max: 0.2, noNaN: true }), { minLength: 9, maxLength: 9 }),
    fc.tuple(...[0, 1, 2].map(() => fc.double({ min: 0.1, max: 10, noNaN: true }))),
    fc.tuple(...[0, 1, 2].map(() => fc.constantFrom(-1, 1))),
    fc.tuple(...[0, 1, 2].map(() => fc.double({ min: -200, max: 200, noNaN: true }))),
    fc.shuffledSubarray([0, 1, 2], { minLength: 3, maxLength: 3 }),
  )
  .map(([tilt, scale, sign, origin, order]) =>
    createAffine([
      ...[0, 1, 2].map((row) => [
        ...[0, 1, 2].map(
          (column) => (tilt[3 * row + column]! + (order[row] === column ? sign[row]! : 0)) * scale[column]!,
        ),
        origin[row]!,
      ]),
      [0, 0, 0, 1],
    ]),
  );

const close = (actual: readonly number[], expected: readonly number[], digits = 8) => {
  expect(actual.length).toBe(expected.length);
  for (const [n, value] of expected.entries()) expect(actual[n]).toBeCloseTo(value, digits);
};

describe("createAffine", () => {
  test("16 numbers, or four rows of four, of any array", () => {
    const flat = rows.flat();
    for (const values of [flat, rows, new Float64Array(flat), rows.map((row) => Float32Array.from(row))]) {
      expect(createAffine(values)).toEqual(flat);
    }
  });

  test("a frozen copy", () => {
    const flat = rows.flat();
    const made = createAffine(flat);
    flat[0] = 5;
    expect(made[0]).toBe(-2);
    expect(Object.isFrozen(made)).toBe(true);
  });

  test.each<[string, unknown]>([
    ["fifteen numbers", rows.flat().slice(1)],
    ["seventeen numbers", [...rows.flat(), 1]],
    ["three rows", rows.slice(0, 3)],
    [
      "rows of other lengths that make 16",
      [
        [-2, 0, 0],
        [90, 0, 3, 0, -126],
        [0, 0, 4, -72],
        [0, 0, 0, 1],
      ],
    ],
    ["numbers and rows mixed", [-2, rows.flat().slice(1)]],
    ["two rows of eight", [rows.flat().slice(0, 8), rows.flat().slice(8)]],
    ["nothing", undefined],
    ["null", null],
    ["an empty list", []],
    ["null rows", [null, null, null, null]],
    ["text", "1000010000100001"],
    ["NaN", [Number.NaN, ...rows.flat().slice(1)]],
    ["infinity", [Number.POSITIVE_INFINITY, ...rows.flat().slice(1)]],
    ["a last row that is not 0, 0, 0, 1", [...rows.flat().slice(0, 15), 2]],
    ["a projective last row", [...rows.slice(0, 3), [0, 0, 1, 1]]],
  ])("refuses %s", (_, values) => {
    expect(() => createAffine(values as number[])).toThrow(invalid);
  });

  test("a message says what was found", () => {
    expect(() => createAffine([1, 2, 3])).toThrow(/16 numbers, or four rows of four.*got 3 parts/);
  });
});

describe("applyAffine and invertAffine", () => {
  test("a position by hand", () => {
    expect(applyAffine(affine, [1, 2, 3])).toEqual([88.5, -119.875, -59]);
    expect(applyAffine(IDENTITY, [1.5, -2, 0])).toEqual([1.5, -2, 0]);
  });

  test("there and back again", () => {
    const anyPoint = fc.tuple(...[0, 1, 2].map(() => fc.double({ min: -500, max: 500, noNaN: true })));
    fc.assert(
      fc.property(anyAffine, anyPoint, (any, point) => {
        const inverse = invertAffine(any);
        expect(Object.isFrozen(inverse)).toBe(true);
        close(applyAffine(inverse, applyAffine(any, point as unknown as Vector3)), point, 6);
        close(multiplyAffines(any, inverse), IDENTITY);
      }),
    );
  });

  test("a product applies the right one first", () => {
    fc.assert(
      fc.property(anyAffine, anyAffine, (a, b) => {
        close(applyAffine(multiplyAffines(a, b), [1, 2, 3]), applyAffine(a, applyAffine(b, [1, 2, 3])), 6);
      }),
    );
    expect(multiplyAffines(affine, IDENTITY)).toEqual(affine);
    expect(multiplyAffines(IDENTITY, affine)).toEqual(affine);
  });

  test.each([
    ["a column of zeros", [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ["parallel columns", [1, 2, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]],
  ])("%s has no inverse", (_, values) => {
    expect(() => invertAffine(createAffine(values))).toThrow(invalid);
  });
});

describe("cropAffine", () => {
  test("every voxel of the crop lies where it lay before", () => {
    const shape = [1, 7, 8, 9] as const;
    const cases = fc.tuple(anyAffine, fc.tuple(...shape.map(anyItem)));
    fc.assert(
      fc.property(cases, ([any, items]) => {
        const range = resolveIndex(items, shape);
        const [, i, j, k] = range;
        fc.pre(i.size * j.size * k.size > 0);
        const cropped = cropAffine(any, range);
        for (const end of [0, 1]) {
          const voxel = [i, j, k].map(({ size }) => end * (size - 1));
          const before = [i, j, k].map(({ start, step }, axis) => start + step * voxel[axis]!);
          close(
            applyAffine(cropped, voxel as unknown as Vector3),
            applyAffine(any, before as unknown as Vector3),
            6,
          );
        }
      }),
    );
  });

  test("a crop moves the origin, a step scales a column, and channels change nothing", () => {
    const range = resolveIndex(
      [0, slice(3, null), slice(null, null, 2), slice(null, null, -1)],
      [4, 10, 10, 10],
    );
    const cropped = cropAffine(affine, range);
    expect(spacingOf(cropped)).toEqual(spacingOf(affine).map((value, axis) => value * [1, 2, 1][axis]!));
    expect(applyAffine(cropped, [0, 0, 0])).toEqual(applyAffine(affine, [3, 0, 9]));
    expect(cropped[10]).toBe(-4);
    expect(Object.isFrozen(cropped)).toBe(true);
  });
});

test("spacingOf", () => {
  expect(spacingOf(IDENTITY)).toEqual([1, 1, 1]);
  close(spacingOf(affine), [Math.hypot(2, 0.5), Math.hypot(0.25, 3, 0.5), Math.hypot(0.125, 4)], 12);
});

test("affinesEqual", () => {
  expect(affinesEqual(affine, createAffine(rows))).toBe(true);
  expect(affinesEqual(affine, IDENTITY)).toBe(false);
  expect(affinesEqual(affine, affine.slice(0, 15))).toBe(false);
});

test("IDENTITY is frozen", () => {
  expect(Object.isFrozen(IDENTITY)).toBe(true);
  expect(createAffine(IDENTITY)).toEqual(IDENTITY);
});
