import { peek } from "@lazyimg/byte-source";
import { type BackendRequest, hasExtension, requestName } from "@lazyimg/core";

/** Extensions of MRtrix images, as they are recognised (without regard to case). */
const EXTENSIONS = [".mif", ".mif.gz", ".mih"] as const;

/** The first line of every MRtrix image. */
const MAGIC = "mrtrix image";

/** Whether a file begins as MRtrix's do. */
export function isMif(head: Uint8Array): boolean {
  return new TextDecoder("latin1").decode(head.subarray(0, MAGIC.length)) === MAGIC;
}

/**
 * Whether the request is for an MRtrix image: by its name, or, for bytes, a Blob or a byte source without a telling name,
 * by its first bytes.
 */
export async function matchesMif(request: BackendRequest): Promise<boolean> {
  if (hasExtension(request, ...EXTENSIONS)) return true;
  const { bytes, blob, byteSource, reader } = request;
  const nameless = requestName(request)?.includes(".") !== true;
  if (!nameless || reader !== undefined || (bytes ?? blob ?? byteSource) === undefined) return false;
  return isMif(await peek(request, MAGIC.length));
}
