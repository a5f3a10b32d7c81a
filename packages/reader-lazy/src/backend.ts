import { type BackendDescriptor, isLazyReader } from "@lazyimg/core";
import { matchesLazyReader } from "./match.js";

/**
 * The descriptor that importing `@lazyimg/reader-lazy` registers: opens a request with the lazy reader that it brings.
 */
export const lazyReader: BackendDescriptor = {
  name: "custom-reader",
  matches: matchesLazyReader,
  open: (request, context) => {
    const { reader } = request;
    return isLazyReader(reader) ? reader.createBackend(request, context) : null;
  },
};
