import { createHash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LazyImageError } from "@lazyimg/core";

/** Beside the data: a line that says who writes what, then a line for each part that this process finished. */
const JOURNAL = ".lazyimg-journal";

/**
 * The folder of the processes that write along: what they finished, and files on their way to their places. It has the
 * name of what is written. Once it is gone nothing can be put in its place any more, by whoever wakes up late.
 */
export const sharedFolder = (partial: string, fingerprint: string): string =>
  join(partial, `${JOURNAL}-${createHash("sha256").update(fingerprint).digest("hex").slice(0, 16)}`);

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

/** A file with a line for each part that is done. */
export interface DoneFile {
  add(part: string): void;
  /** Closes it; twice is no event. */
  close(): void;
}

export function doneFile(path: string): DoneFile {
  const log = openSync(path, "a");
  let closed = false;
  return {
    add: (part) => void writeSync(log, `${part}\n`),
    close() {
      if (!closed) closeSync(log);
      closed = true;
    },
  };
}

/** The parts that a file says are done; a line that was cut is not one. */
const partsOf = (text: string): string[] => text.split("\n").slice(0, -1);

async function readHead(partial: string): Promise<{ pid?: string; known?: string; lines: string[] }> {
  const text = await readFile(join(partial, JOURNAL), "utf8").catch(() => "");
  const [head = "", ...lines] = text.split("\n");
  const [, pid, known] = /^(\d+) (.*)$/s.exec(head) ?? [];
  if (pid === undefined || known === undefined) return { lines: [] };
  return { pid, known, lines: partsOf(lines.join("\n")) };
}

/** What the processes that wrote along have finished. */
async function sharedParts(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => name.startsWith("done-"));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
  return texts.flatMap(partsOf);
}

/** The journal of the process that began. */
export interface Journal extends DoneFile {
  /** Whether it goes on with what an earlier run left. */
  readonly resumed: boolean;
  readonly done: ReadonlySet<string>;
  /** Ends it: the folder is data alone, and nobody writes along any more. */
  remove(): Promise<void>;
}

/**
 * Takes `partial` for this process: as an earlier run with the same fingerprint left it, or empty.
 *
 * @throws LazyImageError `ERR_EXISTS` while another process has it, `ERR_INVALID_ARGUMENT` where something else was begun
 */
export async function beginJournal(
  partial: string,
  fingerprint: string,
  { out, resume }: { out: string; resume: boolean },
): Promise<Journal> {
  const journal = join(partial, JOURNAL);
  const shared = sharedFolder(partial, fingerprint);
  const { pid, known, lines } = await readHead(partial);
  if (pid !== undefined && isRunning(Number(pid)) && Number(pid) !== process.pid) {
    throw new LazyImageError(
      "ERR_EXISTS",
      `Process ${pid} is writing ${out} now; wait for it (if it does something else, remove ${partial})`,
    );
  }
  if (resume && known !== undefined && known !== fingerprint) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `${partial} was begun from another source or with other options; use the same, or remove it`,
    );
  }
  let done = new Set<string>();
  const resumed = resume && known !== undefined;
  if (resumed) {
    // The lock is this process's now; parts that are done stay done.
    done = new Set([...lines, ...(await sharedParts(shared))]);
    await writeFile(`${journal}.new`, [`${process.pid} ${fingerprint}`, ...lines, ""].join("\n"));
    await rename(`${journal}.new`, journal);
  } else {
    await rm(partial, { recursive: true, force: true, maxRetries: 3 });
    await mkdir(partial);
    await writeFile(journal, `${process.pid} ${fingerprint}\n`);
  }
  await mkdir(shared, { recursive: true });
  return {
    ...doneFile(journal),
    resumed,
    done,
    async remove() {
      const ended = join(partial, `${JOURNAL}-ended`);
      await rename(shared, ended);
      await rm(ended, { recursive: true });
      await rm(journal);
    },
  };
}

/** @throws LazyImageError `ERR_NOT_FOUND` unless `partial` was begun with this fingerprint */
export async function checkJournal(partial: string, fingerprint: string): Promise<void> {
  if ((await readHead(partial)).known === fingerprint) return;
  throw new LazyImageError(
    "ERR_NOT_FOUND",
    `${partial} is not there, or was begun from another source or with other options: nothing is written to it`,
  );
}
