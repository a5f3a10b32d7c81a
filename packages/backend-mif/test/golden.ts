import { type DataOf, DTYPES, type DType, type Shape4D, Tensor } from "@lazyimg/core";

/** An array as numpy has it: (C, I, J, K) in C order, little-endian, as base64. */
interface ArrayFacts {
  readonly shape: Shape4D;
  readonly dtype: DType;
  readonly data: string;
}

/** What mrconvert and nibabel say of a file. */
export interface MifFacts {
  readonly affine: readonly number[];
  readonly stored: ArrayFacts;
  readonly scaled?: ArrayFacts;
}

/** The voxels as a tensor. */
export function tensorOf({ shape, dtype, data }: ArrayFacts): Tensor {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const { array, itemSize, lanes } = DTYPES[dtype];
  const values: DataOf = new array(bytes.buffer, 0, (bytes.length / itemSize) * lanes);
  return new Tensor({ data: values, dtype, shape });
}
