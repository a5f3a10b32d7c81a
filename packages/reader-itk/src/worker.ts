import { isLazyImageError, LazyImageError } from "@lazyimg/core";
import { Link } from "@lazyimg/worker-link";
import { ownPort, runReader } from "#platform";
import type { ReadJob, ReadResult } from "./pipeline.js";

/** While ITK is not busy, the Worker says so this often, in milliseconds. */
const EVERY = 200;

/** Bytes of memory that WebAssembly may have, and whether it wanted more. */
let most = 0;
let isFull = false;

const { grow } = WebAssembly.Memory.prototype;
WebAssembly.Memory.prototype.grow = function (pages) {
  if (this.buffer.byteLength + pages * 2 ** 16 <= most) return grow.call(this, pages);
  isFull = true;
  throw new RangeError("This is more memory than the file may take.");
};

async function read(job: ReadJob, memory: number): Promise<ReadResult> {
  most = memory;
  isFull = false;
  const result = await runReader(job).catch((error: unknown) => {
    if (isLazyImageError(error)) throw error;
    return { said: error instanceof Error ? error.message : String(error) };
  });
  if (isFull && "said" in result) {
    const mebibytes = Math.ceil(memory / 2 ** 20);
    throw new LazyImageError("ERR_LIMIT", `ITK takes more than ${mebibytes} MiB of memory`);
  }
  return result;
}

// Of memory that is shared, every reader of its result would have to make a copy.
Reflect.deleteProperty(globalThis, "SharedArrayBuffer");
// It tells why it failed; what it prints besides is noise.
for (const name of ["log", "warn", "error"] as const) console[name] = () => {};

const link = new Link(ownPort(), { read: ([job, memory]) => read(job as ReadJob, memory as number) });
const tell = (): void => void link.call("alive", []).catch(() => undefined);
setInterval(tell, EVERY);
tell();
