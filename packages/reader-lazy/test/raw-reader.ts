import {
  type Affine,
  defineBackend,
  type LazyReader,
  type Range4D,
  type Shape4D,
  Tensor,
} from "@lazyimg/core";

/** A lazy reader for headerless float32 voxels in C order: rows of K are read together. */
export function rawReader(shape: Shape4D, affine: Affine): LazyReader {
  const [, sizeI, sizeJ, sizeK] = shape;
  const rows = ([c, i]: Range4D) => c.size * i.size;
  const planeBytes = sizeJ * sizeK * 4;
  return {
    createBackend({ byteSource }) {
      if (byteSource === undefined) throw new Error("This reader reads byte sources.");
      return defineBackend({
        shape,
        affine,
        dtype: "float32",
        plan: (range) => ({
          requests: rows(range),
          bytes: rows(range) * planeBytes,
          outputBytes: 0,
          peakBytes: 2 * rows(range) * planeBytes,
        }),
        async readRegion([c, i, j, k], { signal }) {
          const data = new Float32Array(c.size * i.size * sizeJ * sizeK);
          const into = new Uint8Array(data.buffer);
          await Promise.all(
            Array.from({ length: c.size * i.size }, async (_, n) => {
              const plane = (c.start + Math.floor(n / i.size)) * sizeI + i.start + (n % i.size);
              into.set(await byteSource.read(plane * planeBytes, planeBytes, { signal }), n * planeBytes);
            }),
          );
          const strides = [i.size * sizeJ * sizeK, sizeJ * sizeK, sizeK, 1] as const;
          const whole = new Tensor({
            data,
            dtype: "float32",
            shape: [c.size, i.size, sizeJ, sizeK],
            strides,
          });
          const part = ({ start, size }: { start: number; size: number }) => ({
            start,
            stop: start + size,
            step: 1,
          });
          return whole.slice([null, null, part(j), part(k)]);
        },
        close: async () => byteSource.close?.(),
      });
    },
  };
}
