import { LazyImageError } from "@lazyimg/core";
import type { Store } from "./store.js";

/**
 * There are no directories here.
 *
 * @throws LazyImageError `ERR_UNSUPPORTED`
 */
export function directoryStore(directory: string): Store {
  throw new LazyImageError(
    "ERR_UNSUPPORTED",
    `Cannot open the directory ${directory} in a browser; give an http(s) URL, a .zarr.zip file or a zarrita store`,
  );
}

export function isZarrDirectory(_directory: string): Promise<boolean> {
  return Promise.resolve(false);
}

export function readFileSync(
  file: string,
  _memoryFor?: (size: number) => Uint8Array,
): Uint8Array | undefined {
  throw new LazyImageError("ERR_UNSUPPORTED", `Cannot read ${file} in a browser`);
}
