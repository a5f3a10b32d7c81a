import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { isLazyImageError, LazyImageError } from "@lazyimg/core";
import type { GetOptions, Store, StoreRange } from "./store.js";

/** No such file, or a directory in its place, or a file in place of a directory: there is no such object. */
const isMissing = (error: unknown): boolean =>
  ["ENOENT", "ENOTDIR", "EISDIR"].includes((error as NodeJS.ErrnoException | null)?.code ?? "");

/** Without waiting for whoever may write to a FIFO; 0 where the platform has no such flag. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Bytes in a file; a directory has none, and is met with `EISDIR` when it is read. */
function sizeOf(file: string, stats: Stats): number {
  if (stats.isFile() || stats.isDirectory()) return stats.size;
  throw new LazyImageError(
    "ERR_UNSUPPORTED",
    `${file} is no file, but a FIFO, socket or device; copy it to one.`,
  );
}

function failed(file: string, cause: unknown): LazyImageError {
  if (isLazyImageError(cause)) return cause;
  return new LazyImageError("ERR_IO", `Cannot read ${file}: ${(cause as Error).message}`, { cause });
}

/**
 * A whole file in one go; `undefined` where there is none.
 *
 * @param memoryFor gives memory to read into: fresh pages cost as much as decoding what they hold
 */
export function readFileSync(
  file: string,
  memoryFor: (size: number) => Uint8Array = (size) => new Uint8Array(size),
): Uint8Array | undefined {
  let handle: number;
  try {
    handle = openSync(file, FLAGS);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw failed(file, error);
  }
  try {
    const bytes = memoryFor(sizeOf(file, fstatSync(handle)));
    let at = 0;
    while (at < bytes.length) {
      const read = readSync(handle, bytes, at, bytes.length - at, at);
      if (read === 0) break;
      at += read;
    }
    return bytes.subarray(0, at);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw failed(file, error);
  } finally {
    closeSync(handle);
  }
}

/**
 * The files below a directory.
 *
 * Whole chunks are read in place: opening and reading a file of the page cache takes 0.04 ms, waiting for Node's thread
 * pool 0.2 ms. Whoever reads many yields to the event loop in between.
 */
export function directoryStore(directory: string): Store {
  const fileOf = (key: string): string => join(directory, key);
  const get = (key: string): Uint8Array | undefined => readFileSync(fileOf(key));

  async function getRange(
    key: string,
    range: StoreRange,
    { signal }: GetOptions = {},
  ): Promise<Uint8Array | undefined> {
    signal?.throwIfAborted();
    const file = fileOf(key);
    try {
      await using handle = await open(file, FLAGS);
      const size = sizeOf(file, await handle.stat());
      const offset = "suffixLength" in range ? Math.max(0, size - range.suffixLength) : range.offset;
      const wanted = "suffixLength" in range ? range.suffixLength : range.length;
      const bytes = new Uint8Array(Math.max(0, Math.min(wanted, size - offset)));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, offset);
      signal?.throwIfAborted();
      return bytes.subarray(0, bytesRead);
    } catch (error) {
      signal?.throwIfAborted();
      if (isMissing(error)) return undefined;
      throw failed(file, error);
    }
  }
  return {
    name: directory,
    gap: 4096,
    concurrency: 4,
    async get(key, { signal }: GetOptions = {}) {
      signal?.throwIfAborted();
      return get(key);
    },
    getRange,
    sync: { get, fileOf },
  };
}

/** Whether a path is a directory that has Zarr metadata. */
export async function isZarrDirectory(directory: string): Promise<boolean> {
  try {
    const names = await readdir(directory);
    return names.some((name) => ["zarr.json", ".zgroup", ".zarray", ".zmetadata"].includes(name));
  } catch {
    return false;
  }
}
