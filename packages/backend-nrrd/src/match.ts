import { peek } from "@lazyimg/byte-source";
import { type BackendRequest, hasExtension, requestName } from "@lazyimg/core";

/** Extensions of NRRD files, as they are recognised (without regard to case). */
const EXTENSIONS = [".nrrd", ".nhdr"] as const;

/** Whether a file begins with the magic of an NRRD file, whose last four digits are its version. */
export function isNrrd(head: Uint8Array): boolean {
  return /^NRRD\d{4}[\r\n]/.test(String.fromCharCode(...head.subarray(0, 9)));
}

/**
 * Whether the request is for an NRRD file: by its name, or, for bytes, a Blob or a byte source without a telling name, by
 * its first bytes.
 */
export async function matchesNrrd(request: BackendRequest): Promise<boolean> {
  if (hasExtension(request, ...EXTENSIONS)) return true;
  const { bytes, blob, byteSource, reader } = request;
  const nameless = requestName(request)?.includes(".") !== true;
  if (!nameless || reader !== undefined || (bytes ?? blob ?? byteSource) === undefined) return false;
  return isNrrd(await peek(request, 9));
}
