import fs, { type PathLike } from "node:fs";
import fsp, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { sep } from "node:path";
import { type Counter, gate } from "@lazyimg/testkit";

/** A directory whose files are counted as they are read, by whatever way of Node's the store takes. */
export interface CountingDirectory extends Counter {
  /** Counts no more. */
  stop(): void;
}

/**
 * Counts what this thread reads of the files below a directory, in place and by handles. What is read in place cannot be held
 * up: `hold().reached` resolves, and the read goes on.
 */
export function countingDirectory(directory: string): CountingDirectory {
  const { hold, pass } = gate();
  const { openSync, readSync, closeSync } = fs;
  const { open } = fsp;
  const files = new Set<number>();
  let bytes = 0;
  let requests = 0;
  const isOurs = (path: PathLike): boolean => String(path).startsWith(directory + sep);

  fs.openSync = (path, ...rest) => {
    const file = openSync(path, ...rest);
    if (isOurs(path)) files.add(file);
    return file;
  };
  fs.closeSync = (file) => {
    files.delete(file);
    closeSync(file);
  };
  fs.readSync = ((
    file: number,
    ...rest: Parameters<typeof readSync> extends [number, ...infer R] ? R : never
  ) => {
    const read = readSync(file, ...rest);
    if (!files.has(file)) return read;
    requests++;
    bytes += read;
    void pass();
    return read;
  }) as typeof readSync;
  fsp.open = async (path, ...rest) => {
    const handle = await open(path, ...rest);
    return isOurs(path) ? counted(handle) : handle;
  };
  syncBuiltinESMExports();

  /** The same handle, whose `read` counts. */
  function counted(handle: FileHandle): FileHandle {
    const read = handle.read.bind(handle);
    handle.read = (async (...args: Parameters<typeof read>) => {
      requests++;
      await pass();
      const result = await read(...args);
      bytes += result.bytesRead;
      return result;
    }) as typeof handle.read;
    return handle;
  }

  return {
    get bytes() {
      return bytes;
    },
    get requests() {
      return requests;
    },
    reset() {
      bytes = 0;
      requests = 0;
    },
    hold,
    async size() {
      const entries = await fsp.readdir(directory, { recursive: true, withFileTypes: true });
      const sizes = entries
        .filter((entry) => entry.isFile())
        .map(async (entry) => (await fsp.stat(`${entry.parentPath}${sep}${entry.name}`)).size);
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    },
    stop() {
      Object.assign(fs, { openSync, readSync, closeSync });
      Object.assign(fsp, { open });
      syncBuiltinESMExports();
    },
  };
}
