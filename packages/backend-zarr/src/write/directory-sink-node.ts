import { closeSync, openSync, writeSync } from "node:fs";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { LazyImageError } from "@lazyimg/core";
import { directoryStore } from "../store/directory-node.js";
import type { Sink } from "./sink.js";

/** What has been written so far, beside the data: a line that says what for, then a line for each part that is done. */
const JOURNAL = ".lazyimg-journal";

/** A directory in the making. */
export interface DirectorySink extends Sink {
  /** Puts the finished directory in its place. */
  finish(): Promise<void>;
  /** Leaves what was written for another run to go on with. */
  keep(): void;
  /** Removes what was written. */
  drop(): Promise<void>;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** Whether the process that wrote a lock still runs. */
function isRunning(pid: number): boolean {
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The parts that an earlier run finished; a line that was cut is not one. */
function partsOf(lines: readonly string[]): Set<string> {
  return new Set(lines.slice(0, -1));
}

/**
 * A directory that is made beside its destination, as `OUT.partial`, and renamed when it is complete: whatever happens,
 * there is nothing at the destination or all of it.
 *
 * @param fingerprint what is written and how: resuming with another one is refused
 * @throws LazyImageError `ERR_EXISTS`, `ERR_IO`, `ERR_INVALID_ARGUMENT`
 */
export async function directorySink(
  destination: string,
  fingerprint: string,
  { force = false, resume = false }: { force?: boolean | undefined; resume?: boolean | undefined },
): Promise<DirectorySink> {
  const plain = /^file:/i.test(destination) ? fileURLToPath(destination) : destination;
  const out = plain.replace(/(?<=.)[/\\]+$/, "");
  const partial = `${out}.partial`;
  const journal = join(partial, JOURNAL);
  const failed = (cause: unknown) =>
    new LazyImageError("ERR_IO", `${out} cannot be written: ${(cause as Error).message}`, { cause });

  async function begin(): Promise<Set<string>> {
    if (!force && (await exists(out))) {
      throw new LazyImageError("ERR_EXISTS", `${out} exists; remove it, or replace it with the option force`);
    }
    const [head, ...lines] = (await readFile(journal, "utf8").catch(() => "")).split("\n");
    const [pid, known] = /^(\d+) (.*)$/s.exec(head ?? "")?.slice(1) ?? [];
    if (pid !== undefined && isRunning(Number(pid)) && Number(pid) !== process.pid) {
      throw new LazyImageError(
        "ERR_EXISTS",
        `Process ${pid} is writing ${out} now; wait for it (if it does something else, remove ${partial})`,
      );
    }
    if (resume && known === fingerprint) {
      // The lock is this process's now; parts that are done stay done.
      const done = partsOf(lines);
      await writeFile(`${journal}.new`, [`${process.pid} ${fingerprint}`, ...done, ""].join("\n"));
      await rename(`${journal}.new`, journal);
      return done;
    }
    if (resume && known !== undefined) {
      throw new LazyImageError(
        "ERR_INVALID_ARGUMENT",
        `${partial} was begun from another source or with other options; use the same, or remove it`,
      );
    }
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial);
    await writeFile(journal, `${process.pid} ${fingerprint}\n`);
    return new Set();
  }

  let done: Set<string>;
  let log: number;
  try {
    done = await begin();
    log = openSync(journal, "a");
  } catch (error) {
    throw error instanceof LazyImageError ? error : failed(error);
  }
  const made = new Map<string, Promise<unknown>>();
  return {
    store: directoryStore(partial),
    async set(key, bytes) {
      const file = join(partial, key);
      const directory = dirname(file);
      try {
        let ready = made.get(directory);
        if (ready === undefined) {
          ready = mkdir(directory, { recursive: true });
          made.set(directory, ready);
        }
        await ready;
        await writeFile(file, bytes);
      } catch (cause) {
        throw failed(cause);
      }
    },
    isDone: (part) => done.has(part),
    done(part) {
      try {
        writeSync(log, `${part}\n`);
      } catch (cause) {
        throw failed(cause);
      }
    },
    async finish() {
      closeSync(log);
      try {
        await rm(journal);
        if (force && (await exists(out))) {
          const old = `${out}.${process.pid}.old`;
          await rename(out, old);
          await rename(partial, out);
          await rm(old, { recursive: true, force: true });
        } else {
          await rename(partial, out);
        }
      } catch (cause) {
        throw failed(cause);
      }
    },
    keep: () => closeSync(log),
    async drop() {
      closeSync(log);
      await rm(partial, { recursive: true, force: true });
    },
  };
}
