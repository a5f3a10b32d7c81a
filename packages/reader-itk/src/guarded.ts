import { Budget } from "@lazyimg/core/budget";
import { runReader } from "#platform";
import type { ReadJob, ReadResult } from "./pipeline.js";
import { type Limits, WorkerReader } from "./worker-reader.js";

/** Workers at once. */
const MOST = 4;
/** A Worker that has nothing to do waits for the next file for so many milliseconds: to start one takes 0.2 s. */
const PATIENCE = 2000;
/** Beyond so many bytes of voxels a Worker, whose memory never shrinks, does not wait. */
const KEPT = 2 ** 24;

const workers = new Budget(MOST);
let idle: { readonly reader: WorkerReader; readonly timer: ReturnType<typeof setTimeout> }[] = [];

/** Lets a Worker wait for the next file. */
function rest(reader: WorkerReader): void {
  const timer = setTimeout(() => {
    idle = idle.filter((other) => other !== resting);
    reader.end();
  }, PATIENCE);
  // Node's; nothing is waited for at the end of a process.
  (timer as { unref?: () => void }).unref?.();
  const resting = { reader, timer };
  idle.push(resting);
}

function wake(): WorkerReader | undefined {
  const resting = idle.pop();
  clearTimeout(resting?.timer);
  return resting?.reader;
}

/**
 * Runs a pipeline in a Worker, which an abort ends, and which is ended when it takes more than it may: ITK's readers believe
 * what a file says, and of a damaged one may read for ever. Where no Worker starts it runs here, without limits. Takes over
 * the memory of `job.data`.
 *
 * @throws LazyImageError `ERR_LIMIT` when it takes more than `limits`, `ERR_CORRUPT` when ITK breaks its Worker, and what
 * fetching the pipeline throws
 */
export async function readGuarded(
  job: ReadJob,
  limits: Limits,
  signal: AbortSignal | undefined,
): Promise<ReadResult> {
  const leave = await workers.acquire(1, signal);
  try {
    const reader = wake() ?? (await WorkerReader.start(signal));
    if (reader === null) return await runReader(job);
    const result = await reader.read(job, limits, signal);
    if ("said" in result || (result.data?.byteLength ?? 0) > KEPT) reader.end();
    else rest(reader);
    return result;
  } finally {
    leave();
  }
}
