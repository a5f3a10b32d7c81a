import {
  type BackendDriver,
  type ByteSource,
  LazyImageError,
  mapAxes,
  type Range4D,
  type Strides4D,
  shapeOf,
  sizeOf,
  Tensor,
} from "@lazyimg/core";

/** Where the voxels of a mask lie: eight in a byte, the first one in the highest bit. */
export interface BitLayout {
  readonly offset: number;
  /** Bits between neighbours along C, I, J, K. */
  readonly strides: Strides4D;
}

/**
 * The reading half of a driver over one array of bits, as uint8 of 0 and 1. All bytes between a region's first voxel and
 * its last are read: masks are small.
 */
export function bitArray(
  source: ByteSource,
  { offset, strides }: BitLayout,
): Pick<BackendDriver, "readRegion" | "plan" | "strided"> {
  /** Bits of the first voxel, and bytes from there. */
  const spanOf = (range: Range4D): { first: number; begin: number; length: number } => {
    const at = (position: (axis: Range4D[number]) => number) =>
      range.reduce((sum, axis, n) => sum + position(axis) * strides[n]!, 0);
    const first = at(({ start }) => start);
    const last = at(({ start, step, size }) => start + step * (size - 1));
    const begin = Math.floor(first / 8);
    return { first, begin, length: Math.floor(last / 8) + 1 - begin };
  };
  return {
    strided: true,
    plan(range) {
      const { length } = spanOf(range);
      const outputBytes = sizeOf(shapeOf(range));
      return { requests: 1, bytes: length, outputBytes, peakBytes: length + outputBytes };
    },
    async readRegion(range, { signal, onProgress, target }) {
      const { first, begin, length } = spanOf(range);
      const bytes = await source.read(offset + begin, length, { signal });
      if (bytes.length < length) {
        throw new LazyImageError(
          "ERR_TRUNCATED",
          `The data end at byte ${offset + begin + bytes.length}, but the region reaches to byte ${offset + begin + length}; the file was cut short or its header is damaged.`,
        );
      }
      onProgress?.({ bytes: length, totalBytes: length });
      const shape = shapeOf(range);
      const result = target ?? new Tensor({ data: new Uint8Array(sizeOf(shape)), dtype: "uint8", shape });
      const [c, i, j, k] = mapAxes(range, ({ step }, axis) => step * strides[axis]!);
      const to = result.strides;
      for (let nc = 0; nc < shape[0]; nc++) {
        for (let ni = 0; ni < shape[1]; ni++) {
          for (let nj = 0; nj < shape[2]; nj++) {
            let bit = first - 8 * begin + nc * c + ni * i + nj * j;
            let n = result.offset + nc * to[0] + ni * to[1] + nj * to[2];
            for (let nk = 0; nk < shape[3]; nk++, bit += k, n += to[3]) {
              result.data[n] = (bytes[Math.floor(bit / 8)]! >> (7 - (bit % 8))) & 1;
            }
          }
        }
      }
      return result;
    },
  };
}
