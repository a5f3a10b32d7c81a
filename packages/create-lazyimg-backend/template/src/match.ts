import { type BackendRequest, hasExtension } from "@lazyimg/core";

/** Whether the request is for an Example image, by its name. */
export function matchesExample(request: BackendRequest): boolean {
  return hasExtension(request, ".example");
}
