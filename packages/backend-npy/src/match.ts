import { peek } from "@lazyimg/byte-source";
import { type BackendRequest, hasExtension, requestName } from "@lazyimg/core";

/** "\x93NUMPY", with which every .npy file begins. */
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const;

/** Whether a file begins as numpy's do. */
export function isNpy(head: Uint8Array): boolean {
  return MAGIC.every((byte, n) => head[n] === byte);
}

/**
 * Whether the request is for a .npy file: by its name, or, for bytes, a Blob or a byte source without a telling name, by
 * its first bytes.
 */
export async function matchesNpy(request: BackendRequest): Promise<boolean> {
  if (hasExtension(request, ".npy")) return true;
  const { bytes, blob, byteSource, reader } = request;
  const nameless = requestName(request)?.includes(".") !== true;
  if (!nameless || reader !== undefined || (bytes ?? blob ?? byteSource) === undefined) return false;
  return isNpy(await peek(request, MAGIC.length));
}
