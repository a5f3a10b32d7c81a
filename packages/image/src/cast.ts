import { type DType, defineBackend, type ImageDataBackend } from "@lazyimg/core";
import { indexOf } from "./index-of.js";

/** The same image whose values are converted to `dtype` as they are read, by the rules of numpy's `astype`. */
export function castBackend(backend: ImageDataBackend, dtype: DType): ImageDataBackend {
  const { shape, affine, affineSource, header } = backend;
  return defineBackend({
    shape,
    affine,
    affineSource,
    header,
    dtype,
    strided: true,
    readRegion: (range, { signal, onProgress, target }) =>
      backend.read(indexOf(range), { dtype, signal, onProgress, out: target?.data }),
    ...(backend.explain && { plan: (range) => backend.explain!(indexOf(range), { dtype }) }),
  });
}
