import { type DataOf, DTYPES, type DType, type IndexItem, type Shape4D, Tensor } from "@lazyimg/core";
import fc from "fast-check";

/** An array as golden vectors have it: (C, I, J, K) in C order, little-endian, as base64. */
export interface ArrayFacts {
  readonly shape: Shape4D;
  readonly dtype: DType;
  readonly data: string;
}

/** What golden vectors say of a file; further members are the format's own. */
export interface FormatFacts extends ArrayFacts {
  readonly affine: readonly number[];
}

/** Bytes of base64. */
export function base64Bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** The voxels as a tensor. */
export function tensorOf({ shape, dtype, data }: ArrayFacts): Tensor {
  const bytes = base64Bytes(data);
  const { array, itemSize, lanes } = DTYPES[dtype];
  const values: DataOf = new array(bytes.buffer, 0, (bytes.length / itemSize) * lanes);
  return new Tensor({ data: values, dtype, shape });
}

const bound = fc.option(fc.integer({ min: -9, max: 9 }), { nil: null });
const step = fc.option(
  fc.integer({ min: -3, max: 3 }).filter((value) => value !== 0),
  { nil: null },
);
const item = fc.oneof(
  fc.constant(null),
  fc.record({ start: bound, stop: bound, step }),
  // Of any axis: taken modulo its size.
  fc.nat(1000),
);

/** Any index of an image, once its shape is known. */
export const anyIndex: fc.Arbitrary<(shape: Shape4D) => IndexItem[]> = fc
  .tuple(item, item, item, item)
  .map(
    (items) => (shape) =>
      items.map((value, axis) => (typeof value === "number" ? value % shape[axis]! : value)),
  );
