import { LazyImageError, type Shape4D } from "@lazyimg/core";
import type { NiftiHeader } from "./header.js";

/**
 * The shape of the image as (C, I, J, K). The file has I fastest and the channels slowest, but for RGB, whose samples
 * are interleaved.
 *
 * | file | image |
 * | --- | --- |
 * | (I), (I, J), (I, J, K) | one channel; RGB24 three, RGBA32 four |
 * | (I, J, K, C) | C channels |
 * | (I, J, K, 1, C) | C channels: a vector in each voxel |
 *
 * @throws LazyImageError `ERR_UNSUPPORTED` for other ranks, (I, J, K, T, C) with T > 1, and RGB with more than one volume
 */
export function shape4Of(header: Pick<NiftiHeader, "shape" | "samples">): Shape4D {
  const { shape, samples } = header;
  const [i = 1, j = 1, k = 1, t = 1, v = 1] = shape;
  const unsupported = (expected: string): never => {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `The image has shape (${shape.join(", ")})${samples > 1 ? " of RGB voxels" : ""}; expected ${expected}. ` +
        "Split or reshape it first.",
    );
  };
  if (shape.length > 5) unsupported("at most 5 axes");
  if (shape.length === 5 && t !== 1) unsupported("(I, J, K, 1, C) where there are 5 axes");
  if (samples > 1 && t * v > 1) unsupported("one volume");
  return [samples > 1 ? samples : t * v, i, j, k];
}
