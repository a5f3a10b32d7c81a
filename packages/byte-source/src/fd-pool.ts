import { closeSync, constants, fstatSync, open as openFile, type Stats, stat } from "node:fs";
import { LazyImageError } from "@lazyimg/core";
import { closedError } from "./range.js";

/** Descriptors open at a time in this process (or Worker), in use or idle. */
const MOST = 64;
/** For how long a file that is being read is trusted not to change, in milliseconds. */
const TRUST = 10;
/** How often others of the process are waited for, when they hold all the descriptors that there are. */
const PAUSES = 5;
/** Without blocking where a FIFO took the file's place a moment ago; 0 where the platform has no such flag. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Files with an open descriptor that nobody uses now, the least recently used first. */
const idle = new Set<PooledFile>();
/** Who waits for a descriptor to be given back. */
const waiting: (() => void)[] = [];
/** Descriptors that are open or being opened, and those that are open. */
let taken = 0;
let open = 0;

/**
 * A file whose descriptor is opened when it is needed and may be closed whenever nobody uses it, so that any number
 * of files can be held. What it is (device, inode, size, modification time) is remembered, and it may not change.
 */
export class PooledFile {
  readonly path: string;
  #first: Stats | undefined;
  #descriptor = -1;
  #users = 0;
  #opening: Promise<void> | undefined;
  #checked = 0;
  #closed = false;

  constructor(path: string) {
    this.path = path;
  }

  /** What the file was when it was first opened, once it was. */
  get known(): Stats | undefined {
    return this.#closed ? undefined : this.#first;
  }

  /** As `known`, opening the file if need be. */
  async stats(): Promise<Stats> {
    this.#refuseClosed();
    if (this.#first === undefined) {
      await this.acquire();
      this.release(false);
    }
    return this.#first as Stats;
  }

  /** The descriptor, to be given back by `release()`; a promise only where the file has to be opened. */
  acquire(): number | Promise<number> {
    this.#refuseClosed();
    return this.#descriptor >= 0 ? this.#take() : this.#acquireLater();
  }

  /** Gives back the descriptor; throws `ERR_CHANGED` where what was read is no longer the file that was opened. */
  release(verify: boolean): void {
    this.#users--;
    try {
      if (verify) this.#verify();
    } finally {
      if (this.#users === 0) {
        if (this.#closed) this.#shut();
        else idle.add(this);
        waiting.shift()?.();
      }
    }
  }

  /** Closes the descriptor, once nobody uses it. */
  close(): void {
    this.#closed = true;
    if (this.#users === 0 && this.#descriptor >= 0) this.#shut();
  }

  #refuseClosed(): void {
    if (this.#closed) throw closedError(this.path);
  }

  #take(): number {
    if (this.#users++ === 0) idle.delete(this);
    return this.#descriptor;
  }

  async #acquireLater(): Promise<number> {
    while (this.#descriptor < 0) {
      this.#refuseClosed();
      this.#opening ??= this.#open().finally(() => {
        this.#opening = undefined;
      });
      await this.#opening;
    }
    return this.#take();
  }

  async #open(): Promise<void> {
    try {
      if (this.#first === undefined) checkKind(await statAt(this.path), this.path);
      const descriptor = await openAt(this.path);
      let now: Stats;
      try {
        now = fstatSync(descriptor);
        this.#compare(now);
      } catch (error) {
        close(descriptor);
        throw error;
      }
      this.#first ??= now;
      this.#descriptor = descriptor;
      idle.add(this);
      if (this.#closed) this.#shut();
    } catch (error) {
      throw explain(error, this.path);
    }
  }

  /**
   * The last of the reads that overlap looks whether the file is still the same, and others do now and then:
   * looking after every single one would cost as much as reading.
   */
  #verify(): void {
    const now = performance.now();
    if (this.#users > 0 && now - this.#checked < TRUST) return;
    this.#checked = now;
    try {
      this.#compare(fstatSync(this.#descriptor));
    } catch (error) {
      throw explain(error, this.path);
    }
  }

  #compare(now: Stats): void {
    const first = this.#first ?? now;
    checkKind(now, this.path);
    if (
      now.size !== first.size ||
      now.mtimeMs !== first.mtimeMs ||
      now.ino !== first.ino ||
      now.dev !== first.dev
    ) {
      throw changedError(this.path);
    }
  }

  #shut(): void {
    idle.delete(this);
    const descriptor = this.#descriptor;
    this.#descriptor = -1;
    close(descriptor);
  }

  /** Closes the descriptors that were idle longest, at most `count` of them; whether there was any. */
  static closeIdle(count: number): boolean {
    let left = count;
    for (const file of idle) {
      if (left-- === 0) break;
      file.#shut();
    }
    return left < count;
  }
}

/** The error of a file that is not what it was when it was opened. */
export function changedError(path: string): LazyImageError {
  return new LazyImageError(
    "ERR_CHANGED",
    `${path} changed since it was opened (replaced, written to or truncated): open it again`,
  );
}

/** What the operating system said, as a `LazyImageError`. */
export function explain(cause: unknown, path: string): LazyImageError {
  if (cause instanceof LazyImageError) return cause;
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return new LazyImageError("ERR_NOT_FOUND", `No such file: ${path}`, { cause });
    case "ESTALE":
      return changedError(path);
    case "ERR_INVALID_ARG_VALUE":
      return new LazyImageError("ERR_INVALID_ARGUMENT", `Not a file path: ${JSON.stringify(path)}`, {
        cause,
      });
    case "EACCES":
    case "EPERM":
      return new LazyImageError("ERR_IO", `Not allowed to read ${path} (${code}): check its permissions`, {
        cause,
      });
    case "EMFILE":
    case "ENFILE":
      return new LazyImageError(
        "ERR_IO",
        `Too many open files to open ${path} (${code}): close some or raise the limit (ulimit -n)`,
        { cause },
      );
    default:
      return new LazyImageError("ERR_IO", `Cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

function checkKind(stats: Stats, path: string): void {
  if (stats.isFile()) return;
  const kind = stats.isDirectory()
    ? "a directory"
    : stats.isFIFO()
      ? "a FIFO"
      : stats.isSocket()
        ? "a socket"
        : "a device";
  throw new LazyImageError(
    "ERR_UNSUPPORTED",
    `${path} is ${kind}; only a regular file can be read by ranges`,
  );
}

function statAt(path: string): Promise<Stats> {
  return new Promise((resolve, reject) => {
    stat(path, (error, stats) => (error ? reject(error) : resolve(stats)));
  });
}

/** Opens a descriptor within the bound, waiting for one to be given back where all are in use. */
async function openAt(path: string): Promise<number> {
  while (taken >= MOST && !PooledFile.closeIdle(1)) await givenBack();
  taken++;
  for (let pauses = 0; ; ) {
    try {
      const descriptor = await new Promise<number>((resolve, reject) => {
        openFile(path, FLAGS, (error, descriptor) => (error ? reject(error) : resolve(descriptor)));
      });
      open++;
      return descriptor;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EMFILE" || code === "ENFILE") {
        if (PooledFile.closeIdle(MOST)) continue;
        if (open > 0) {
          await givenBack();
          continue;
        }
        // Others of the process hold them all: they get a moment.
        if (++pauses <= PAUSES) {
          await new Promise((resolve) => setTimeout(resolve, pauses * 20));
          continue;
        }
      }
      taken--;
      waiting.shift()?.();
      throw error;
    }
  }
}

function close(descriptor: number): void {
  taken--;
  open--;
  closeSync(descriptor);
  waiting.shift()?.();
}

function givenBack(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
  });
}
