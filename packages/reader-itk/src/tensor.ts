import { type DType, isDType, LazyImageError, type Shape4D, type Strides4D, Tensor } from "@lazyimg/core";
import type { Image } from "itk-wasm";

/**
 * The voxels as (C, I, J, K): components that lie side by side, or the fourth axis, are channels.
 *
 * @throws LazyImageError `ERR_UNSUPPORTED` for more axes, `ERR_UNSUPPORTED_DTYPE`
 */
export function tensorOf({ imageType, size, data }: Image, what: string): Tensor {
  const { pixelType, componentType } = imageType;
  const complex = pixelType === "Complex";
  const components = complex ? imageType.components / 2 : imageType.components;
  const [i = 1, j = 1, k = 1, volumes = 1, ...others] = size;
  if (others.some((n) => n > 1) || (volumes > 1 && components > 1)) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `${what} has axes (${size}) of ${components} components; three axes and one of channels are read.`,
    );
  }
  const dtype = complex ? COMPLEX[componentType] : componentType;
  if (!isDType(dtype) || data === null) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED_DTYPE",
      `${what} has voxels of ${pixelType} of ${componentType}.`,
    );
  }
  const expected = components * volumes * i * j * k * (complex ? 2 : 1);
  // A C `long`, which some readers take for int64, has 32 bits in WebAssembly.
  if (data.length !== expected) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED_DTYPE",
      `${what} has ${expected} voxels of ${componentType}, but ITK's WebAssembly gives ${data.length}; it cannot read this type from this format.`,
    );
  }
  const shape: Shape4D = [components * volumes, i, j, k];
  const strides: Strides4D =
    volumes > 1 ? [i * j * k, 1, i, i * j] : [1, components, components * i, components * i * j];
  // Memory that is shared between threads is not accepted everywhere; slice() of it is the caller's own.
  const own = data.buffer instanceof ArrayBuffer ? data : data.slice();
  return new Tensor({ data: own as Tensor["data"], dtype, shape, strides });
}

const COMPLEX: Readonly<Record<string, DType>> = { float32: "complex64", float64: "complex128" };
