import type { WorkQueue } from "@lazyimg/distributed";
import type { Arguments } from "./args.js";
import type { Context } from "./command.js";
import type { Writer } from "./convert-one.js";
import { distributed } from "./distributed.js";
import { UsageError } from "./errors.js";
import type { Report } from "./progress.js";
import { isZarr, sourceIdOf } from "./source-id.js";
import { zarrOptionsOf } from "./zarr-options.js";

/** Between lines of progress in JSON, in milliseconds. */
const LINES_EVERY = 5000;
/** So long a queue may be without workers before that is said, in milliseconds. */
const PATIENCE = 5000;

/** Clears what progress has written on a terminal. */
const say = (line: string): void => {
  process.stderr.write(`${process.stderr.isTTY === true ? "\r\x1b[K" : ""}${line}\n`);
};

/** Says so once when there is nobody to do the work. */
function watchWorkers(queue: WorkQueue, url: string): NodeJS.Timeout {
  return setTimeout(async () => {
    if ((await queue.workers().catch(() => 1)) > 0) return;
    const { protocol, host } = new URL(url);
    say(`Nobody takes work from this queue: start lazyimg worker ${protocol}//${host}, here or elsewhere.`);
  }, PATIENCE).unref();
}

/** Lines of JSON that tell how far a conversion is, on standard error. */
function jsonProgress(output: string, failures: () => number) {
  const begun = { at: 0, bytes: 0 };
  let last = Number.NEGATIVE_INFINITY;
  return ({ bytes, totalBytes }: Parameters<Report>[0]): void => {
    const now = Date.now();
    if (begun.at === 0) Object.assign(begun, { at: now, bytes });
    if (now - last < LINES_EVERY && bytes < totalBytes) return;
    last = now;
    const seconds = (now - begun.at) / 1000;
    const bytesPerSecond = seconds > 0 ? Math.round((bytes - begun.bytes) / seconds) : null;
    say(JSON.stringify({ progress: { output, bytes, totalBytes, bytesPerSecond, failures: failures() } }));
  };
}

/**
 * What writes by the workers of `--queue`, for as long as `use` takes.
 *
 * @throws UsageError, and what `openQueue` throws
 */
export async function withQueue<T>(
  url: string,
  args: Arguments,
  use: (write: Writer) => Promise<T>,
): Promise<T> {
  const { openQueue, convertOnQueue, shareable } = await distributed();
  const queue = await openQueue(url);
  const timer = watchWorkers(queue, url);
  const json = args.flag("json");
  const write = async (
    { opened, source, output }: Parameters<Writer>[0],
    { signal }: Context,
    report: Report,
  ) => {
    if (!isZarr(output)) throw new UsageError(`--queue writes Zarr, and ${output} is NIfTI`);
    let failures = 0;
    const progress = json ? jsonProgress(output, () => failures) : report;
    const place = shareable(source);
    await convertOnQueue(
      queue,
      { source: place, image: opened.image.dataobj, output },
      {
        ...zarrOptionsOf(args),
        sourceId: await sourceIdOf(place, args, opened, signal),
        signal,
        onProgress: progress,
        onFailure({ pieces, code, message }) {
          failures++;
          if (!json) say(`${pieces[0]}: ${message} [${code}]`);
        },
      },
    );
  };
  try {
    return await use(write);
  } finally {
    clearTimeout(timer);
    await queue.close();
  }
}
