import { affinesEqual, type ImageDataBackend, scaledDType } from "@lazyimg/core";
import type { NiftiHeaderInit } from "./encode.js";
import type { NiftiHeader } from "./header.js";
import { shape4Of } from "./layout.js";

type Grid = Pick<ImageDataBackend, "shape" | "affine">;

const hasShape = (header: NiftiHeader, { shape }: Grid): boolean =>
  shape4Of(header).every((size, axis) => size === shape[axis]);

const isUnmoved = (header: NiftiHeader, { affine }: Grid): boolean =>
  header.affineSource !== "override" && affinesEqual(header.affine, affine);

/**
 * The parts of a source's header that depend on its grid: sizes on disk while the image has all its voxels, and qform and
 * sform, bit for bit, while it lies where they say. The base affine depends on the sizes too.
 */
export function gridOf(header: NiftiHeader, image: Grid): Partial<NiftiHeaderInit> {
  const sameShape = hasShape(header, image);
  const unmoved = isUnmoved(header, image);
  // FreeSurfer's long vectors have a base affine of other sizes than theirs.
  const asStored = sameShape && header.shape.every((size, axis) => size === header.dim[axis + 1]);
  const unturned = sameShape && unmoved;
  return {
    ...(sameShape && { diskShape: header.shape }),
    ...(unmoved && (asStored || header.affineSource !== "base") && { forms: header }),
    // Which axis the slices lie along, and which slices there are, is not true of a part of them or of turned axes.
    ...(!unturned && { dimInfo: 0, sliceCode: 0, sliceStart: 0, sliceEnd: 0, sliceDuration: 0 }),
  };
}

/** Whether an image is still what its source's header says: grid, place, type, and what the stored values mean. */
export function isUnchanged(
  header: NiftiHeader,
  image: Pick<ImageDataBackend, "shape" | "affine" | "dtype" | "valueDtype">,
): boolean {
  const { dtype, valueDtype = dtype } = image;
  return (
    dtype === header.dtype &&
    valueDtype === (header.scaling === undefined ? dtype : scaledDType(dtype)) &&
    hasShape(header, image) &&
    isUnmoved(header, image)
  );
}
