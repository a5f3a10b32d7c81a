import { bytesOf, type DType, type Index, Tensor } from "@lazyimg/core";
import type { Image } from "@lazyimg/image";
import { encodeNiftiHeader } from "@lazyimg/nifti-header";
import type { NVImage } from "@niivue/niivue";

/** Options of `toNiivue`. */
export interface NiivueOptions {
  /** The region to read; by default everything. */
  readonly region?: Index | undefined;
  /** Name that NiiVue shows. */
  readonly name?: string | undefined;
  /** Name of one of NiiVue's colour maps; "gray" by default. */
  readonly colormap?: string | undefined;
  /** 0 to 1. */
  readonly opacity?: number | undefined;
  /** Aborts reading. */
  readonly signal?: AbortSignal | undefined;
}

/** What NiiVue holds as 32-bit floats in any case. */
const AS_FLOAT: readonly DType[] = ["float64", "int64", "uint64", "int32", "uint32"];

/**
 * A region of an image as NiiVue's volume, where it lies in the world: reads that region and nothing else. For a coarse
 * level of a pyramid, open the image at it (`readerOptions: { level: 2 }`).
 *
 * Values are scaled; 64-bit values and 32-bit integers become float32. Needs `@niivue/niivue`.
 *
 * @throws LazyImageError `ERR_INDEX`, `ERR_UNSUPPORTED_DTYPE`, and what reading throws
 */
export async function toNiivue(image: Image, options: NiivueOptions = {}): Promise<NVImage> {
  const { region = "...", name = "image", colormap = "gray", opacity = 1, signal } = options;
  const part = image.slice(region);
  try {
    const { valueDtype } = part;
    const dtype: DType = AS_FLOAT.includes(valueDtype) ? "float32" : valueDtype;
    const tensor = await part.read(undefined, { dtype, signal });
    const [c, i, j, k] = tensor.shape;
    const [ofC, ofI, ofJ, ofK] = tensor.strides;
    // NIfTI's own word for colours; a series of three volumes is none.
    const stored = (image.header as { samples?: unknown } | undefined)?.samples;
    const samples = (stored === 3 || stored === 4) && stored === c ? stored : 1;
    // As a file has them: I is the fastest axis, and a colour is one voxel.
    const inOrder = new Tensor({
      ...tensor,
      shape: samples > 1 ? [k, j, i, c] : [c, k, j, i],
      strides: samples > 1 ? [ofK, ofJ, ofI, ofC] : [ofC, ofK, ofJ, ofI],
    }).contiguous();
    const header = encodeNiftiHeader({
      shape: tensor.shape,
      dtype,
      affine: part.affine,
      samples,
      sformCode: 1,
    });
    const file = new File([header, bytesOf(inOrder.data)] as BlobPart[], `${name}.nii`);
    const { NVImage } = await import("@niivue/niivue");
    return await NVImage.loadFromFile({ file, name, colormap, opacity });
  } finally {
    await part.close();
  }
}
