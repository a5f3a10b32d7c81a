import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import type { DType, ImageDataBackend, Index, ReadOptions, Tensor } from "@lazyimg/core";

/**
 * A backend whose values have been loaded: reads come from memory, as copies, because the tensor is a cache that others
 * hold too. Stored values that differ from the loaded ones still come from the file.
 */
export function loadedBackend(backend: ImageDataBackend, tensor: Tensor): ImageDataBackend {
  const { shape, affine, dtype, affineSource, valueDtype, header, levels } = backend;
  const memory = tensorBackend(tensor, affine);
  async function read<D extends DType = DType>(index?: Index, options?: ReadOptions<D>): Promise<Tensor<D>> {
    if (options?.scaled === false && valueDtype !== undefined) return backend.read(index, options);
    const result = await memory.read(index, options);
    return result.data === tensor.data ? result.copy() : result;
  }
  return {
    shape,
    affine,
    dtype,
    affineSource,
    valueDtype,
    header,
    levels,
    read: read as ImageDataBackend["read"],
    toTensor: (options) => read(undefined, options),
    ...(backend.explain && {
      explain: (index, options) =>
        options?.scaled === false && valueDtype !== undefined
          ? backend.explain!(index, options)
          : memory.explain!(index, options),
    }),
  };
}
