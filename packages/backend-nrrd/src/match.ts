import { sniff } from "@lazyimg/byte-source";
import { type BackendRequest, hasExtension } from "@lazyimg/core";

/** Extensions of NRRD files, as they are recognised (without regard to case). */
const EXTENSIONS = [".nrrd", ".nhdr"] as const;

/** Whether a file begins with the magic of an NRRD file, whose last four digits are its version. */
export function isNrrd(head: Uint8Array): boolean {
  return /^NRRD\d{4}[\r\n]/.test(String.fromCharCode(...head.subarray(0, 9)));
}

/** Whether the request is for an NRRD file: by its name, or by its first bytes where that tells nothing. */
export async function matchesNrrd(request: BackendRequest): Promise<boolean> {
  return hasExtension(request, ...EXTENSIONS) || sniff(request, 9, isNrrd);
}
