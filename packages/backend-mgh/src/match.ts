import { type BackendRequest, hasExtension } from "@lazyimg/core";

/** Extensions of FreeSurfer's volumes, as they are recognised (without regard to case). */
const EXTENSIONS = [".mgh", ".mgz", ".mgh.gz"] as const;

/** Whether the request is for an MGH file, by its name: MGH has no magic number. */
export function matchesMgh(request: BackendRequest): boolean {
  return hasExtension(request, ...EXTENSIONS);
}
