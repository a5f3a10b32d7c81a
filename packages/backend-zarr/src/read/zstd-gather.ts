import type { ChunkBox } from "@lazyimg/codecs";
import { boxesOf, denseStrides, extentOf } from "./boxes.js";
import { chunkError, type DecodedChunk } from "./decode-chunk.js";
import type { ChunkLayout, Task, TaskChunk } from "./task.js";
import { zstdKernel } from "./zstd.js";

/**
 * Decodes the zstd chunks of a task into a slab in the kernel's memory: a chunk that is wanted whole and is one piece of the
 * slab straight into it. Boxes of chunks that are not there are added to `missing`.
 *
 * @throws LazyImageError with the chunk's key
 */
export function gatherZstd(
  { chunks, shape }: Task,
  layout: ChunkLayout,
  decoded: readonly (DecodedChunk | undefined)[],
  missing: ChunkBox[],
): Uint8Array {
  const { itemSize, chunkBytes } = layout;
  const kernel = zstdKernel()!;
  kernel.reserve(shape.reduce((a, b) => a * b, itemSize));
  /** Decoding straight into the slab spoils what comes behind: nothing there may be done already. */
  let done = 0;
  for (const [n, chunk] of chunks.entries()) {
    const found = decoded[n];
    if (found === undefined) {
      missing.push(...boxesOf(chunk, layout, shape));
      continue;
    }
    try {
      const at = placeOf(chunk, layout, shape) * itemSize;
      if (at >= done) {
        kernel.decodeTo(found.bytes, chunkBytes, at);
        done = at + chunkBytes;
      } else {
        const [, end] = extentOf(chunk, layout);
        kernel.load(found.bytes, chunkBytes, end * itemSize);
        kernel.gather(boxesOf(chunk, layout, shape), itemSize);
        done = Number.POSITIVE_INFINITY;
      }
    } catch (error) {
      throw chunkError(chunk.key, error);
    }
  }
  return kernel.output();
}

/** The element of the slab where a whole chunk lies in one piece; -1 where only parts are wanted, or in several pieces. */
function placeOf({ count, at }: TaskChunk, { chunkShape }: ChunkLayout, shape: readonly number[]): number {
  if (count.some((size, axis) => size !== chunkShape[axis])) return -1;
  const outer = count.findIndex((size) => size !== 1);
  const isDense = outer < 0 || count.every((size, axis) => axis <= outer || size === shape[axis]);
  if (!isDense) return -1;
  const strides = denseStrides(shape);
  return at.reduce((sum, position, axis) => sum + position * strides[axis]!, 0);
}
