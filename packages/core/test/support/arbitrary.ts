import {
  allocate,
  bytesOf,
  DTYPES,
  type DType,
  type IndexItem,
  type Shape4D,
  type Strides4D,
  Tensor,
} from "@lazyimg/core";
import fc from "fast-check";

export const DTYPE_NAMES = Object.keys(DTYPES) as DType[];

export const anyDType: fc.Arbitrary<DType> = fc.constantFrom(...DTYPE_NAMES);

export const anyShape = (max = 6, min = 0): fc.Arbitrary<Shape4D> => {
  const size = fc.integer({ min, max });
  return fc.tuple(size, size, size, size);
};

/** A slice with bounds around an axis of this size, and far beyond it. */
export const anySlice = (size: number) => {
  const bound = fc.oneof(
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 4, arbitrary: fc.integer({ min: -size - 3, max: size + 3 }) },
    { weight: 1, arbitrary: fc.maxSafeInteger() },
  );
  const step = fc.oneof(
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 4, arbitrary: fc.integer({ min: -4, max: 4 }).filter((value) => value !== 0) },
    { weight: 1, arbitrary: fc.maxSafeInteger().filter((value) => value !== 0) },
  );
  return fc.record({ start: bound, stop: bound, step });
};

/** An index of one axis that does not fail. */
export const anyItem = (size: number): fc.Arbitrary<IndexItem> => {
  const others = fc.oneof(fc.constant(null), anySlice(size));
  return size === 0 ? others : fc.oneof(fc.integer({ min: -size, max: size - 1 }), others);
};

/** Strides that put the axes of `shape` into memory in this order (fastest first), some of them backwards, with gaps. */
export function layout(
  shape: Shape4D,
  order: readonly number[],
  reversed: readonly boolean[],
  gap: number,
): { strides: Strides4D; offset: number; length: number } {
  const strides = [0, 0, 0, 0];
  let step = 1;
  let offset = 0;
  for (const axis of order) {
    strides[axis] = reversed[axis] ? -step : step;
    if (reversed[axis]) offset += step * Math.max(0, shape[axis]! - 1);
    step *= Math.max(1, shape[axis]!) + gap;
  }
  return { strides: strides as unknown as Strides4D, offset, length: step };
}

/** A tensor of any dtype, shape and layout whose memory is random bytes: NaNs of every kind among them. */
export const anyTensor = (
  options: { max?: number; dtype?: fc.Arbitrary<DType> } = {},
): fc.Arbitrary<Tensor> =>
  fc
    .record({
      dtype: options.dtype ?? anyDType,
      shape: anyShape(options.max ?? 5),
      order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4, maxLength: 4 }),
      reversed: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean()),
      gap: fc.integer({ min: 0, max: 1 }),
      seed: fc.integer(),
    })
    .map(({ dtype, shape, order, reversed, gap, seed }) => {
      const { length, ...place } = layout(shape, order, reversed, gap);
      const data = allocate(dtype, length);
      randomBytes(bytesOf(data), seed);
      return new Tensor({ data, dtype, shape, ...place });
    });

/** Fills with bytes of a small generator (mulberry32). */
export function randomBytes(bytes: Uint8Array, seed: number): void {
  let state = seed;
  for (let n = 0; n < bytes.length; n++) {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    bytes[n] = mixed >>> 24;
  }
}
