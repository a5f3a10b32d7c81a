import type { BackendRequest } from "@lazyimg/core";

/** Whether the request holds a tensor, and no reader that wants it. */
export function matchesTensor(request: BackendRequest): boolean {
  return request.tensor !== undefined && request.reader === undefined;
}
