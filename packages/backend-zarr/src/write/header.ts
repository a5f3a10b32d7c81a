import { affinesEqual, type ImageDataBackend } from "@lazyimg/core";
import {
  encodeNiftiHeader,
  type NiftiExtension,
  type NiftiHeader,
  parseNiftiHeader,
  shape4Of,
} from "@lazyimg/nifti-header";

/** The parts of a NIfTI image's `header` that its backends add. */
interface Extras {
  readonly bytes?: Uint8Array;
  readonly readExtensions?: (options?: {
    signal?: AbortSignal | undefined;
  }) => Promise<readonly NiftiExtension[]>;
}

/** Whether an image's `header` is a parsed NIfTI header, of any copy of the package. */
function isNiftiHeader(header: unknown): header is NiftiHeader & Extras {
  if (typeof header !== "object" || header === null) return false;
  const fields = header as Partial<Record<keyof NiftiHeader, unknown>>;
  return typeof fields.datatypeCode === "number" && Array.isArray(fields.dim) && Array.isArray(fields.pixdim);
}

/** Without extensions the four bytes behind a header say nothing: niizarr leaves them out. */
function withoutEmptyFlags(bytes: Uint8Array, headerBytes: number): Uint8Array {
  return bytes.length <= headerBytes + 4 ? bytes.subarray(0, headerBytes) : bytes;
}

/**
 * The bytes of the `nifti` array: the image's own header where it still fits, bit for bit if its backend kept the bytes,
 * or one made for it.
 */
export async function headerFor(
  image: ImageDataBackend,
  signal: AbortSignal | undefined,
): Promise<{ readonly bytes: Uint8Array; readonly header: NiftiHeader }> {
  const { shape, affine, dtype, header: own } = image;
  const known = isNiftiHeader(own) ? own : undefined;
  const fits =
    known !== undefined &&
    known.dtype === dtype &&
    shape4Of(known).every((size, axis) => size === shape[axis]) &&
    affinesEqual(known.affine, affine);
  if (fits && known.bytes !== undefined) return { bytes: known.bytes, header: known };

  // FreeSurfer's long vectors have a base affine of other sizes than theirs.
  const asStored = known?.shape.every((size, axis) => size === known.dim[axis + 1]);
  const extensions = (await known?.readExtensions?.({ signal })) ?? [];
  const samples = fits || (known?.samples === shape[0] && known.dtype === dtype) ? (known?.samples ?? 1) : 1;
  const bytes = encodeNiftiHeader({
    ...known,
    shape,
    dtype,
    affine,
    samples,
    vector: known?.shape.length === 5,
    // A NIfTI-1 source may need 2: FreeSurfer's long vectors are longer than it can say.
    version: fits && known.version === 2 ? 2 : undefined,
    diskShape: fits ? known.shape : undefined,
    scaling: known?.dtype === dtype ? known.scaling : undefined,
    singleFile: true,
    extensions,
    ...(fits && (asStored || known.affineSource !== "base") && { forms: known }),
  });
  const header = parseNiftiHeader(bytes);
  return { bytes: withoutEmptyFlags(bytes, header.headerBytes), header };
}
