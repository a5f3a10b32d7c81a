import { allocate, DTYPES, type DType, type Range4D, type Shape4D } from "@lazyimg/core";
import type { PlaneData, PlaneRequest } from "../protocol.js";
import type { Slab } from "./slabs.js";

type Grid = Pick<PlaneRequest, "width" | "height" | "toVoxel">;
type Nine = [number, number, number, number, number, number, number, number, number];

/** A plane that lies outside of its image. */
export function blank(dtype: DType, { width, height }: Grid): PlaneData {
  const type = DTYPES[dtype].lanes === 2 ? "float64" : dtype;
  return { width, height, channels: 1, data: allocate(type, width * height) };
}

/** The place in a range that is nearest to a voxel; -1 for one that is none of the image's. */
function placeIn({ start, step, size }: Range4D[number], imageSize: number, voxel: number): number {
  if (voxel < 0 || voxel >= imageSize) return -1;
  const place = Math.round((voxel - start) / step);
  return place < 0 ? 0 : place < size ? place : size - 1;
}

/**
 * The voxels nearest to the points of a plane.
 *
 * @param slab what the plane needs of a level, or every so manieth voxel of it; all channels that are wanted
 * @param shape of the level
 */
export function sample({ tensor, range }: Slab, shape: Shape4D, { width, height, toVoxel }: Grid): PlaneData {
  const { data, dtype, offset, strides } = tensor;
  const isComplex = DTYPES[dtype].lanes === 2;
  const channels = tensor.shape[0];
  const result = allocate(isComplex ? "float64" : dtype, width * height * channels);
  const [ax, ay, a, bx, by, b, cx, cy, c] = toVoxel as unknown as Nine;
  const [, rangeI, rangeJ, rangeK] = range;
  const [, sizeI, sizeJ, sizeK] = shape;
  let n = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++, n += channels) {
      const i = placeIn(rangeI, sizeI, Math.round(ax * x + ay * y + a));
      const j = placeIn(rangeJ, sizeJ, Math.round(bx * x + by * y + b));
      const k = placeIn(rangeK, sizeK, Math.round(cx * x + cy * y + c));
      if (i < 0 || j < 0 || k < 0) continue;
      const first = offset + i * strides[1] + j * strides[2] + k * strides[3];
      for (let channel = 0; channel < channels; channel++) {
        const at = first + channel * strides[0];
        result[n + channel] = isComplex
          ? Math.hypot(data[2 * at] as number, data[2 * at + 1] as number)
          : data[at]!;
      }
    }
  }
  return { width, height, channels, data: result };
}
