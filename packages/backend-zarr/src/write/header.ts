import { type ImageDataBackend, scaledDType } from "@lazyimg/core";
import {
  encodeNiftiHeader,
  gridOf,
  isUnchanged,
  type NiftiExtension,
  type NiftiHeader,
  parseNiftiHeader,
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

/**
 * Header and extensions, and not the padding before voxels that lie elsewhere. Without extensions the four bytes behind a
 * header say nothing: niizarr leaves them out.
 */
function withoutPadding(
  bytes: Uint8Array,
  { headerBytes, littleEndian }: NiftiHeader,
  extensions: readonly NiftiExtension[],
): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = headerBytes + 4;
  for (const _ of extensions) end += view.getInt32(end, littleEndian);
  const isEmpty = extensions.length === 0 && bytes.subarray(headerBytes, end).every((byte) => byte === 0);
  return bytes.subarray(0, isEmpty ? headerBytes : end);
}

/**
 * The bytes of the `nifti` array: the image's own header where it still fits, bit for bit if its backend kept the bytes,
 * or one made for it.
 */
export async function headerFor(
  image: ImageDataBackend,
  signal: AbortSignal | undefined,
): Promise<{ readonly bytes: Uint8Array; readonly header: NiftiHeader }> {
  const { shape, affine, dtype, valueDtype = dtype, header: own } = image;
  const known = isNiftiHeader(own) ? own : undefined;
  const unchanged = known !== undefined && isUnchanged(known, image) ? known : undefined;
  if (unchanged?.bytes !== undefined) return { bytes: unchanged.bytes, header: unchanged };

  const extensions = (await known?.readExtensions?.({ signal })) ?? [];
  // What was read scaled and changed since is not scaled any more.
  const isScaled = known?.dtype === dtype && known.scaling !== undefined && valueDtype === scaledDType(dtype);
  const bytes = encodeNiftiHeader({
    ...known,
    shape,
    dtype,
    affine,
    samples: known?.samples === shape[0] && known.dtype === dtype ? known.samples : 1,
    vector: known?.shape.length === 5,
    // A NIfTI-1 source may need 2: FreeSurfer's long vectors are longer than it can say.
    version: known?.version === 2 ? 2 : undefined,
    scaling: isScaled ? known.scaling : undefined,
    singleFile: true,
    extensions,
    ...(known && gridOf(known, image)),
    unchanged,
  });
  const header = parseNiftiHeader(bytes);
  return { bytes: withoutPadding(bytes, header, extensions), header };
}
