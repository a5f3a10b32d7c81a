import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { LazyImageError } from "@lazyimg/core";
import { directoryStore } from "../store/directory-node.js";
import { beginJournal, checkJournal, type DoneFile, doneFile, sharedFolder } from "./journal-node.js";
import type { JoinedSink, OutputSink, Sink } from "./sink.js";

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** The name of this process among those that write along, and the files that it has begun. */
const own = randomUUID();
let files = 0;

/** A destination, and the directory beside it that it is made in. */
function placesOf(destination: string) {
  const plain = /^file:/i.test(destination) ? fileURLToPath(destination) : destination;
  const out = plain.replace(/(?<=.)[/\\]+$/, "");
  /** What the system refused, as an error of ours. */
  const failed = (cause: unknown): LazyImageError =>
    cause instanceof LazyImageError
      ? cause
      : new LazyImageError("ERR_IO", `${out} cannot be written: ${(cause as Error).message}`, { cause });
  return { out, partial: `${out}.partial`, failed };
}

/** Makes a folder and those above it, but for `root`: where that has gone, there is nothing to write to. */
async function makeFolder(root: string, folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || dirname(folder) === root) throw error;
    await makeFolder(root, dirname(folder));
    await makeFolder(root, folder);
  }
}

type WriteFile = (file: string, bytes: Uint8Array, folder: () => Promise<void>) => Promise<void>;

function sinkIn(
  { partial, failed }: ReturnType<typeof placesOf>,
  done: ReadonlySet<string>,
  log: DoneFile,
  write: WriteFile,
): Sink {
  const made = new Map<string, Promise<void>>();
  return {
    store: directoryStore(partial),
    async set(key, bytes) {
      const file = join(partial, key);
      const directory = dirname(file);
      const folder = (): Promise<void> => {
        const ready =
          made.get(directory) ?? (directory === partial ? Promise.resolve() : makeFolder(partial, directory));
        made.set(directory, ready);
        return ready;
      };
      try {
        await write(file, bytes, folder);
      } catch (cause) {
        throw failed(cause);
      }
    },
    isDone: (part) => done.has(part),
    done(part) {
      try {
        log.add(part);
      } catch (cause) {
        throw failed(cause);
      }
    },
  };
}

/**
 * A directory that is made beside its destination, as `OUT.partial`, and renamed when it is complete: whatever happens,
 * there is nothing at the destination or all of it.
 *
 * @param fingerprint what is written and how: resuming with another one is refused
 * @throws LazyImageError `ERR_EXISTS`, `ERR_IO`, `ERR_INVALID_ARGUMENT`
 */
export async function beginDirectory(
  destination: string,
  fingerprint: string,
  { force = false, resume = false }: { force?: boolean | undefined; resume?: boolean | undefined },
): Promise<OutputSink> {
  const places = placesOf(destination);
  const { out, partial, failed } = places;
  try {
    if (!force && (await exists(out))) {
      throw new LazyImageError("ERR_EXISTS", `${out} exists; remove it, or replace it with the option force`);
    }
    const journal = await beginJournal(partial, fingerprint, { out, resume });
    const sink = sinkIn(places, journal.done, journal, async (file, bytes, folder) => {
      await folder();
      await writeFile(file, bytes);
    });
    return {
      ...sink,
      resumed: journal.resumed,
      async finish() {
        journal.close();
        try {
          await journal.remove();
          if (force && (await exists(out))) {
            const old = `${out}.${process.pid}.old`;
            await rename(out, old);
            try {
              await rename(partial, out);
            } catch (error) {
              await rename(old, out);
              throw error;
            }
            await rm(old, { recursive: true, force: true });
          } else {
            await rename(partial, out);
          }
        } catch (cause) {
          throw failed(cause);
        }
      },
      keep: journal.close,
      async drop() {
        journal.close();
        await rm(partial, { recursive: true, force: true, maxRetries: 3 });
      },
    };
  } catch (error) {
    throw failed(error);
  }
}

/**
 * The directory in the making, for a process that writes along. Files appear in their places whole: a process that was
 * stopped and wakes up when another has done its work changes nothing, and when the directory is finished writes nothing.
 *
 * @throws LazyImageError `ERR_NOT_FOUND` where nobody has begun with this fingerprint
 */
export async function joinDirectory(destination: string, fingerprint: string): Promise<JoinedSink> {
  const places = placesOf(destination);
  const { partial, failed } = places;
  await checkJournal(partial, fingerprint);
  const shared = sharedFolder(partial, fingerprint);
  let log: DoneFile;
  try {
    log = doneFile(join(shared, `done-${own}`));
  } catch (error) {
    throw failed(error);
  }
  const sink = sinkIn(places, new Set(), log, async (file, bytes, folder) => {
    const whole = join(shared, `${own}-${files++}`);
    await writeFile(whole, bytes);
    await folder();
    await rename(whole, file);
  });
  return { ...sink, close: log.close };
}
