import { type BackendRequest, isLazyReader } from "@lazyimg/core";

/** Whether the request brings a reader that builds lazy backends. */
export function matchesLazyReader(request: BackendRequest): boolean {
  return isLazyReader(request.reader);
}
