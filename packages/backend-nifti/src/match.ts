import { peek } from "@lazyimg/byte-source";
import { type BackendRequest, hasExtension, requestName } from "@lazyimg/core";
import { isGzip } from "@lazyimg/data-file";
import { NIFTI_PROBE_BYTES, sniffNifti } from "@lazyimg/nifti-header/parse";

/** Extensions of NIfTI files, as they are recognised (without regard to case). */
export const EXTENSIONS = [".nii", ".nii.gz", ".hdr", ".hdr.gz", ".img", ".img.gz"] as const;

/**
 * Whether the request is for a NIfTI file: by its name, or, for bytes, a Blob or a byte source without a telling name, by
 * its first bytes. Gzip without a name may be NIfTI; opening it tells.
 */
export async function matchesNifti(request: BackendRequest): Promise<boolean> {
  if (hasExtension(request, ...EXTENSIONS)) return true;
  const { bytes, blob, byteSource, reader } = request;
  const nameless = requestName(request)?.includes(".") !== true;
  if (!nameless || reader !== undefined || (bytes ?? blob ?? byteSource) === undefined) return false;
  const head = await peek(request, NIFTI_PROBE_BYTES);
  return isGzip(head) || sniffNifti(head) !== null;
}

/** Whether this package writes files of that name. */
export function isNiftiDestination(destination: string): boolean {
  return /\.nii(\.gz)?$/i.test(destination);
}
