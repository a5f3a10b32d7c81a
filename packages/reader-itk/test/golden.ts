import { type DataOf, DTYPES, type DType, type Shape4D, Tensor } from "@lazyimg/core";

/** What SimpleITK says of a file: its voxels in C order, little-endian, as base64. */
export interface ItkFacts {
  readonly affine: readonly number[];
  readonly dtype: DType;
  readonly shape: Shape4D;
  readonly data: string;
}

/** The voxels as a tensor. */
export function tensorOf({ shape, dtype, data }: ItkFacts): Tensor {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const { array, itemSize, lanes } = DTYPES[dtype];
  const values: DataOf = new array(bytes.buffer, 0, (bytes.length / itemSize) * lanes);
  return new Tensor({ data: values, dtype, shape });
}
