import { LazyImageError } from "@lazyimg/core";

/** A header extension: what other programs keep in a NIfTI file. */
export interface NiftiExtension {
  /** `ecode`: 4 is AFNI's XML, 6 a comment, 32 CIFTI, 44 MRS, ... */
  readonly code: number;
  /** `edata` without the zeros that pad it, as nibabel. */
  readonly data: Uint8Array;
  /** `esize`, where it is not the least multiple of 16 that holds the data. */
  readonly size?: number;
}

/** The `esize` that writers give to data: a multiple of 16. */
export const sizeFor = (data: Uint8Array): number => Math.ceil((data.length + 8) / 16) * 16;

/**
 * Splits a header's extensions.
 *
 * @param bytes what lies between the four bytes behind the header and the voxels; in a pair, the rest of the header file
 * @returns views into `bytes`
 * @throws LazyImageError `ERR_HEADER` when an `esize` is less than 8 or reaches beyond `bytes`
 */
export function parseExtensions(bytes: Uint8Array, littleEndian: boolean): NiftiExtension[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const extensions: NiftiExtension[] = [];
  let at = 0;
  while (bytes.length - at >= 16) {
    const size = view.getInt32(at, littleEndian);
    // That it must be a multiple of 16 is widely ignored, and nibabel only warns.
    if (size < 8 || size > bytes.length - at) {
      throw new LazyImageError(
        "ERR_HEADER",
        `Extension ${extensions.length + 1} of the NIfTI header: esize is ${size}; expected 8 to ${bytes.length - at}. ` +
          "The voxels can be read nonetheless: go on without the extensions.",
      );
    }
    let end = at + size;
    while (end > at + 8 && bytes[end - 1] === 0) end--;
    const data = bytes.subarray(at + 8, end);
    const code = view.getInt32(at + 4, littleEndian);
    extensions.push({ code, data, ...(size !== sizeFor(data) && { size }) });
    at += size;
  }
  return extensions;
}
