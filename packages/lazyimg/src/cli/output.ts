import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { LazyImageError } from "@lazyimg/core";

/**
 * Writes a file beside its place and moves it there when it is complete: nobody ever sees half of it, and what was there
 * before may be what is being read.
 *
 * @throws LazyImageError `ERR_IO` where the system refuses
 */
export async function writeOutput(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const partial = `${path}.part-${process.pid}`;
  const refused = (cause: unknown) =>
    new LazyImageError("ERR_IO", `Cannot write ${path}: ${(cause as Error).message}.`, { cause });
  const file = await open(partial, "w").catch((cause: unknown) => {
    throw refused(cause);
  });
  try {
    try {
      await write(file);
    } finally {
      await file.close();
    }
    await rename(partial, path).catch((cause: unknown) => {
      throw refused(cause);
    });
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
