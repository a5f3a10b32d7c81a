import { LazyImageError } from "@lazyimg/core";
import type { JoinedSink, OutputSink } from "./sink.js";

/**
 * There are no directories here.
 *
 * @throws LazyImageError `ERR_UNSUPPORTED`
 */
export async function beginDirectory(destination: string): Promise<OutputSink> {
  throw unsupported(destination);
}

/** @throws LazyImageError `ERR_UNSUPPORTED` */
export async function joinDirectory(destination: string): Promise<JoinedSink> {
  throw unsupported(destination);
}

const unsupported = (destination: string): LazyImageError =>
  new LazyImageError(
    "ERR_UNSUPPORTED",
    `Cannot write the directory ${destination} in a browser; use writeNiftiZarr with a store, for instance a Map`,
  );
