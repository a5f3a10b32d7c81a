import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { IndexCache } from "./index-cache.js";

/**
 * Keeps indexes as files in a folder, by default `lazyimg/gzip-index` in the user's cache folder (`$XDG_CACHE_HOME`, else
 * `~/.cache`). Entries are written whole or not at all; the folder may be emptied at any time.
 */
export function defaultIndexCache(folder?: string): IndexCache {
  const root =
    folder ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "lazyimg", "gzip-index");
  const pathOf = (key: string): string =>
    join(root, `${createHash("sha256").update(key).digest("hex")}.gzidx`);
  return {
    async get(key): Promise<Uint8Array | null> {
      try {
        return await readFile(pathOf(key));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw error;
      }
    },
    async set(key, bytes): Promise<void> {
      await mkdir(root, { recursive: true });
      const temporary = join(root, `${randomUUID()}.tmp`);
      try {
        await writeFile(temporary, bytes);
        await rename(temporary, pathOf(key));
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
  };
}
