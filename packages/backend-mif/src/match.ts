import { sniff } from "@lazyimg/byte-source";
import { type BackendRequest, hasExtension } from "@lazyimg/core";

/** Extensions of MRtrix images, as they are recognised (without regard to case). */
const EXTENSIONS = [".mif", ".mif.gz", ".mih"] as const;

/** The first line of every MRtrix image. */
const MAGIC = "mrtrix image";

/** Whether a file begins as MRtrix's do. */
export function isMif(head: Uint8Array): boolean {
  return new TextDecoder("latin1").decode(head.subarray(0, MAGIC.length)) === MAGIC;
}

/** Whether the request is for an MRtrix image: by its name, or by its first bytes where that tells nothing. */
export async function matchesMif(request: BackendRequest): Promise<boolean> {
  return hasExtension(request, ...EXTENSIONS) || sniff(request, MAGIC.length, isMif);
}
