import { sniff } from "@lazyimg/byte-source";
import { type BackendRequest, hasExtension } from "@lazyimg/core";

/** "\x93NUMPY", with which every .npy file begins. */
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const;

/** Whether a file begins as numpy's do. */
export function isNpy(head: Uint8Array): boolean {
  return MAGIC.every((byte, n) => head[n] === byte);
}

/** Whether the request is for a .npy file: by its name, or by its first bytes where that tells nothing. */
export async function matchesNpy(request: BackendRequest): Promise<boolean> {
  return hasExtension(request, ".npy") || sniff(request, MAGIC.length, isNpy);
}
