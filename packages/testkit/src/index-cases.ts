import { type Index, type IndexItem, type Shape4D, type Slice, slice } from "@lazyimg/core";

/** Every kind of index that a backend must take, for an image of this shape: each kind by hand, and a few at random. */
export function indexCases(shape: Shape4D): readonly (Index | undefined)[] {
  const [c, i, j, k] = shape;
  const last = (size: number) => size - 1;
  const middle = (size: number) => size >> 1;
  const part = (size: number): Slice => slice(size >> 2, size - (size >> 2));
  return [
    // All of it.
    undefined,
    "...",
    null,
    [],
    ["..."],
    [null, null, null, null],
    slice(null),
    [null, "...", null],
    // Integers.
    0,
    -1,
    -c,
    [0, 0, 0, 0],
    [-1, -1, -1, -1],
    [middle(c), middle(i), middle(j), middle(k)],
    [last(c), last(i), last(j), last(k)],
    [-c, -i, -j, -k],
    [null, middle(i)],
    [null, null, middle(j)],
    [null, null, null, middle(k)],
    // Slices.
    slice(1),
    slice(0, 1),
    [null, slice(1, 4)],
    [null, slice(1, 4), slice(2, 5), slice(0, 6)],
    [null, slice(-4, null)],
    [null, slice(null, -1), slice(1, -1), slice(-3, -1)],
    [null, part(i), part(j), part(k)],
    [null, null, part(j)],
    [null, { start: 1, stop: null, step: null }],
    // Clipped, as Python's.
    [slice(-1000, 1000), slice(1, 1000), slice(-1000, -1)],
    [null, slice(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)],
    // Steps.
    [null, slice(null, null, 2)],
    [null, null, slice(1, null, 2)],
    [null, null, null, slice(null, null, 3)],
    [slice(null, null, 2), slice(1, null, 3), slice(null, -1, 2), slice(0, null, 1000)],
    // Negative steps.
    [slice(null, null, -1)],
    [null, slice(null, null, -1)],
    [null, null, slice(null, null, -2)],
    [null, null, null, slice(-2, 0, -1)],
    [slice(null, null, -1), slice(null, null, -1), slice(null, null, -1), slice(null, null, -1)],
    [null, slice(1000, null, -3), slice(null, -1000, -1), slice(null, null, -1000)],
    // Ellipses.
    [0, "..."],
    ["...", 0],
    [0, "...", -1],
    ["...", slice(0, 5)],
    [slice(1), "...", slice(null, null, -1), 0],
    ["...", null, 0, slice(1, null), slice(null, null, 2)],
    // Empty.
    slice(0, 0),
    [null, slice(3, 3)],
    [null, slice(5, 2), 0],
    ["...", slice(2, 5, -1)],
    [null, slice(1000, 2000)],
    // Mixed.
    [0, middle(i), slice(null, null, -1), slice(1, null, 2)],
    [-1, slice(null, null, 2), middle(j), "..."],
    [null, -1, part(j), slice(null, null, -2)],
    ...randomIndices(shape, 60),
  ];
}

/** The same ones on every run: a failure must come again. */
function randomIndices(shape: Shape4D, count: number): Index[] {
  let state = 0x2545f491;
  const random = (below: number): number => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return (((state ^ (state >>> 13)) >>> 0) / 2 ** 32) * below;
  };
  const between = (low: number, high: number) => low + Math.floor(random(high - low + 1));
  const bound = (size: number) => (random(1) < 0.25 ? null : between(-size - 2, size + 2));
  const item = (size: number): IndexItem => {
    const kind = random(1);
    if (kind < 0.2) return between(-size, size - 1);
    if (kind < 0.35) return null;
    const step = kind < 0.6 ? null : between(1, 4) * (random(1) < 0.5 ? -1 : 1);
    return { start: bound(size), stop: bound(size), step };
  };
  return Array.from({ length: count }, () => shape.map(item));
}

/** What is no index of an image of this shape, and why. */
export function badIndices(shape: Shape4D): readonly (readonly [why: string, index: unknown])[] {
  const bad: [string, unknown][] = [];
  shape.forEach((size, axis) => {
    const at = (position: number) => [...new Array<null>(axis).fill(null), position];
    bad.push([`past the end of axis ${axis}`, at(size)], [`before axis ${axis}`, at(-size - 1)]);
  });
  return [
    ...bad,
    ["far out of bounds", Number.MAX_SAFE_INTEGER],
    ["five items", [0, 0, 0, 0, 0]],
    ["five items beside an ellipsis", [0, 0, "...", 0, 0, 0]],
    ["two ellipses", ["...", 0, "..."]],
    ["a string", "x"],
    ["a colon, as Python writes", [":"]],
    ["a fraction", 0.5],
    ["NaN", [Number.NaN]],
    ["infinity", [Number.POSITIVE_INFINITY]],
    ["a boolean", [true]],
    ["undefined inside a list", [undefined]],
    ["a bigint", [0n]],
    ["a list inside a list", [[0]]],
    ["an object that is no slice", [{}]],
    ["a step of zero", [null, { start: null, stop: null, step: 0 }]],
    ["a fractional bound", [null, { start: 0.5, stop: null, step: null }]],
    ["a bound that is text", [null, { start: null, stop: "2", step: null }]],
    ["a step of NaN", [null, { start: null, stop: null, step: Number.NaN }]],
  ];
}
