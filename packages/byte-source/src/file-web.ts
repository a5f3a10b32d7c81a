import { type ByteSource, LazyImageError } from "@lazyimg/core";

/** Stands in for `fileSource` where there is no file system: throws `ERR_UNSUPPORTED`, saying what to use instead. */
export function fileSource(path: string | URL, _options: { name?: string | undefined } = {}): ByteSource {
  throw noFiles(path);
}

/** Stands in where there is no file system: rejects with `ERR_UNSUPPORTED`. */
export async function fileSibling(path: string | URL, _name: string): Promise<ByteSource | null> {
  throw noFiles(path);
}

function noFiles(path: string | URL): LazyImageError {
  return new LazyImageError(
    "ERR_UNSUPPORTED",
    `There are no files to open here: pass an absolute URL or a File instead of the path ${String(path)}`,
  );
}
