import { type DataOf, DTYPES, type DType, type Shape4D, Tensor } from "@lazyimg/core";

/** What numpy says of a file: shape (C, I, J, K), and its voxels in C order, little-endian, as base64. */
export interface NpyFacts {
  readonly shape: Shape4D;
  readonly dtype: DType;
  readonly data: string;
}

/** The voxels as a tensor. */
export function expectedTensor({ shape, dtype, data }: NpyFacts): Tensor {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const { array, itemSize, lanes } = DTYPES[dtype];
  const values: DataOf = new array(bytes.buffer, 0, (bytes.length / itemSize) * lanes);
  return new Tensor({ data: values, dtype, shape });
}
