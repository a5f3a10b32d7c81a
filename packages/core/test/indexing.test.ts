import { type Index, normalizeIndex, resolveIndex, type Shape4D, shapeOf, slice } from "@lazyimg/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyItem, anyShape, anySlice } from "./support/arbitrary.js";
import { positions } from "./support/naive.js";

const all = { start: null, stop: null, step: null };

describe("slice", () => {
  test("takes one, two or three arguments, as Python's", () => {
    expect(slice(3)).toEqual({ start: null, stop: 3, step: null });
    expect(slice(null)).toEqual(all);
    expect(slice(1, 3)).toEqual({ start: 1, stop: 3, step: null });
    expect(slice(1, null)).toEqual({ start: 1, stop: null, step: null });
    expect(slice(null, null, -1)).toEqual({ start: null, stop: null, step: -1 });
  });
});

describe("normalizeIndex", () => {
  test.each<[Index | undefined, unknown[]]>([
    [undefined, [all, all, all, all]],
    ["...", [all, all, all, all]],
    [null, [all, all, all, all]],
    [[], [all, all, all, all]],
    [2, [2, all, all, all]],
    [-1, [-1, all, all, all]],
    [slice(1, 2), [slice(1, 2), all, all, all]],
    [
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ],
    [
      ["...", 3],
      [all, all, all, 3],
    ],
    [
      [1, "..."],
      [1, all, all, all],
    ],
    [
      [1, "...", 3],
      [1, all, all, 3],
    ],
    [
      [0, 1, 2, 3, "..."],
      [0, 1, 2, 3],
    ],
    [
      ["...", 0, 1, 2, 3],
      [0, 1, 2, 3],
    ],
    [
      [null, 1],
      [all, 1, all, all],
    ],
  ])("%j", (index, expected) => {
    expect(normalizeIndex(index)).toEqual(expected);
  });

  test("other numbers of axes", () => {
    expect(normalizeIndex(["...", 1], { ndim: 2 })).toEqual([all, 1]);
    expect(normalizeIndex("...", { ndim: 0 })).toEqual([]);
    expect(() => normalizeIndex([0, 1, 2], { ndim: 2 })).toThrow(/Too many indices: 3 for 2 axes/);
  });

  test("parts of a slice may be missing", () => {
    expect(normalizeIndex({ start: 1 } as never)[0]).toEqual({ start: 1, stop: null, step: null });
    expect(normalizeIndex({ step: -1 } as never)[0]).toEqual({ start: null, stop: null, step: -1 });
  });

  test.each<[string, unknown]>([
    ["NaN", Number.NaN],
    ["Infinity", [Number.POSITIVE_INFINITY]],
    ["1.5", [1.5]],
    ['"x"', ["x"]],
    ["0", [0n]],
    ["undefined", [undefined]],
    ["true", true],
    ["[1]", [[1]]],
  ])("the message shows what it did not understand: %s", (shown, index) => {
    expect(() => normalizeIndex(index as Index)).toThrow(`Index ${shown} is not understood`);
  });

  test("a list with holes is refused", () => {
    // biome-ignore lint/suspicious/noSparseArray: what is tested
    expect(() => normalizeIndex([0, , 1] as never)).toThrow(expect.objectContaining({ code: "ERR_INDEX" }));
  });

  test("neither the index nor its items are changed", () => {
    const index = Object.freeze([Object.freeze(slice(1, 2)), "..." as const]);
    normalizeIndex(index);
    expect(index).toEqual([slice(1, 2), "..."]);
  });
});

describe("resolveIndex", () => {
  test("any slice of any axis selects what Python would", () => {
    const cases = fc.integer({ min: 0, max: 9 }).chain((size) => fc.tuple(fc.constant(size), anySlice(size)));
    fc.assert(
      fc.property(cases, ([size, item]) => {
        const [{ start, step, size: count }] = resolveIndex(item, [size, 1, 1, 1]);
        expect(Array.from({ length: count }, (_, n) => start + n * step)).toEqual(positions(size, item));
      }),
      { numRuns: 2000 },
    );
  });

  test("any index resolves axis by axis", () => {
    const cases = anyShape().chain((shape) =>
      fc.tuple(fc.constant(shape), fc.tuple(...shape.map(anyItem)), fc.integer({ min: 0, max: 4 })),
    );
    fc.assert(
      fc.property(cases, ([shape, items, dots]) => {
        const whole = resolveIndex(items, shape);
        // An ellipsis that stands for nothing changes nothing.
        expect(resolveIndex([...items.slice(0, dots), "...", ...items.slice(dots)], shape)).toEqual(whole);
        items.forEach((item, axis) => {
          const alone: Index = [...new Array<null>(axis).fill(null), item];
          expect(resolveIndex(alone, shape)[axis]).toEqual(whole[axis]);
          expect(resolveIndex(["...", ...items.slice(axis)], shape)[axis]).toEqual(whole[axis]);
        });
      }),
    );
  });

  test("what it gives is within bounds, and a step is one of neighbours where there are no two", () => {
    const cases = anyShape().chain((shape) => fc.tuple(fc.constant(shape), fc.tuple(...shape.map(anyItem))));
    fc.assert(
      fc.property(cases, ([shape, items]) => {
        resolveIndex(items, shape).forEach(({ start, step, size }, axis) => {
          expect(size).toBeGreaterThanOrEqual(0);
          expect(Object.is(start, -0) || Object.is(size, -0)).toBe(false);
          if (size < 2) expect(step).toBe(1);
          if (size === 0) expect(start).toBe(0);
          for (const end of size === 0 ? [] : [start, start + step * (size - 1)]) {
            expect(end).toBeGreaterThanOrEqual(0);
            expect(end).toBeLessThan(shape[axis]!);
          }
        });
      }),
    );
  });

  test("-0 is 0", () => {
    expect(resolveIndex([-0], [1, 1, 1, 1])[0].start).toBe(0);
  });

  test("an integer of an empty axis is out of bounds", () => {
    const shape: Shape4D = [1, 0, 2, 2];
    for (const position of [0, -1]) {
      expect(() => resolveIndex([null, position], shape)).toThrow(/out of bounds for axis I of size 0/);
    }
    expect(shapeOf(resolveIndex([null, slice(0, 1)], shape))).toEqual([1, 0, 2, 2]);
  });

  test("axes of billions of voxels are counted exactly", () => {
    const size = 2 ** 52;
    expect(resolveIndex(slice(1, null, 3), [size, 1, 1, 1])[0]).toEqual({
      start: 1,
      step: 3,
      size: (size - 1) / 3,
    });
    expect(resolveIndex(-1, [size, 1, 1, 1])[0]).toEqual({ start: size - 1, step: 1, size: 1 });
  });
});
