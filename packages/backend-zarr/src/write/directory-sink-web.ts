import { LazyImageError } from "@lazyimg/core";
import type { Sink } from "./sink.js";

/** A directory in the making. */
export interface DirectorySink extends Sink {
  finish(): Promise<void>;
  keep(): void;
  drop(): Promise<void>;
}

/**
 * There are no directories here.
 *
 * @throws LazyImageError `ERR_UNSUPPORTED`
 */
export async function directorySink(
  destination: string,
  _fingerprint: string,
  _options: { force?: boolean | undefined; resume?: boolean | undefined },
): Promise<DirectorySink> {
  throw new LazyImageError(
    "ERR_UNSUPPORTED",
    `Cannot write the directory ${destination} in a browser; use writeNiftiZarr with a store, for instance a Map`,
  );
}
