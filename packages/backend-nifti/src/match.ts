import { sniff } from "@lazyimg/byte-source";
import { type BackendRequest, hasExtension } from "@lazyimg/core";
import { isGzip } from "@lazyimg/data-file";
import { NIFTI_PROBE_BYTES, sniffNifti } from "@lazyimg/nifti-header/parse";

/** Extensions of NIfTI files, as they are recognised (without regard to case). */
export const EXTENSIONS = [".nii", ".nii.gz", ".hdr", ".hdr.gz", ".img", ".img.gz"] as const;

/**
 * Whether the request is for a NIfTI file: by its name, or by its first bytes where that tells nothing. Gzip without a name
 * may be NIfTI; opening it tells.
 */
export async function matchesNifti(request: BackendRequest): Promise<boolean> {
  return (
    hasExtension(request, ...EXTENSIONS) ||
    sniff(request, NIFTI_PROBE_BYTES, (head) => isGzip(head) || sniffNifti(head) !== null)
  );
}

/** Whether this package writes files of that name. */
export function isNiftiDestination(destination: string): boolean {
  return /\.nii(\.gz)?$/i.test(destination);
}
