import {
  type Affine,
  type BackendDescriptor,
  type BackendRequest,
  type DType,
  defineBackend,
  IDENTITY,
  type ImageDataBackend,
  type ReadOptions,
  type Tensor,
} from "@lazyimg/core";
import { matchesTensor } from "./match.js";

/**
 * A backend over a tensor in memory.
 *
 * `read` gives a view: it shares memory with the tensor unless a cast or `out` asks for other memory. `toTensor` copies.
 *
 * @param affine voxel to world, RAS+ millimetres; identity when left out
 */
export function tensorBackend(tensor: Tensor, affine: Affine = IDENTITY): ImageDataBackend {
  const backend = defineBackend({
    shape: tensor.shape,
    affine,
    dtype: tensor.dtype,
    affineSource: affine === IDENTITY ? "base" : "override",
    strided: true,
    async readRegion(range) {
      return tensor.slice(range.map(({ start, step, size }) => ({ start, stop: start + step * size, step })));
    },
    plan: () => ({ requests: 0, bytes: 0, outputBytes: 0, peakBytes: 0 }),
  });
  return {
    ...backend,
    async toTensor<D extends DType = DType>(options?: ReadOptions<D>): Promise<Tensor<D>> {
      const result = await backend.read<D>(undefined, options);
      // A view must not leave: what nobody else holds may be changed.
      return result.data === (tensor.data as unknown) ? result.copy("C") : result;
    },
  };
}

/** The descriptor that importing `@lazyimg/backend-tensor` registers. */
export const tensor: BackendDescriptor = {
  name: "tensor",
  matches: matchesTensor,
  open: (request: BackendRequest) => tensorBackend(request.tensor!, request.affine),
};
