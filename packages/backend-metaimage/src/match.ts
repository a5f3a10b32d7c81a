import { type BackendRequest, hasExtension } from "@lazyimg/core";

/** Extensions of MetaImage files, as they are recognised (without regard to case). */
const EXTENSIONS = [".mha", ".mhd"] as const;

/** Whether the request is for a MetaImage file, by its name: MetaImage has no magic number. */
export function matchesMetaImage(request: BackendRequest): boolean {
  return hasExtension(request, ...EXTENSIONS);
}
