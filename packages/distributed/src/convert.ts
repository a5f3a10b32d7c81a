import { randomUUID } from "node:crypto";
import {
  beginNiftiZarr,
  type Piece,
  type WriteZarrDirectoryOptions,
  type ZarrConversion,
} from "@lazyimg/backend-zarr/write";
import { type ImageDataBackend, LazyImageError } from "@lazyimg/core";
import { follow, type Work } from "./follow.js";
import { takeLease } from "./lease.js";
import { shareable } from "./locations.js";
import { writingOf } from "./payload.js";
import { leaseKey, planId, runKey } from "./plan-id.js";
import { KEPT, type WorkQueue } from "./queue.js";
import { type RunLog, runLog } from "./run-log.js";
import { type PieceRun, stagesOf } from "./stages.js";

/** Which image is converted to what, as workers see them. */
export interface QueuedConversion {
  /** The image's path or URL, where workers find it too. */
  readonly source: string;
  /** The same image, opened here; its header is read, and no voxel. */
  readonly image: ImageDataBackend;
  /** The path or URL to write to; workers write there too. */
  readonly output: string;
}

/** Options of a conversion by workers. */
export interface ConvertOnQueueOptions extends WriteZarrDirectoryOptions {
  /** Bytes of voxels in a job, where one piece is not more by itself; 32 MiB by default. */
  readonly jobBytes?: number | undefined;
  /** Told as soon as a part has failed for good; the others are done all the same. */
  readonly onFailure?: ((failure: PieceFailure) => void) | undefined;
}

/** A part of a conversion that failed each time it was tried. */
export interface PieceFailure {
  /** The pieces, by their names in the journal. */
  readonly pieces: readonly string[];
  readonly code: string;
  readonly message: string;
}

/** What is being converted, for a planner that has its lease. */
interface Planned {
  readonly queue: WorkQueue;
  readonly conversion: ZarrConversion;
  readonly log: RunLog;
  readonly workOf: (run: PieceRun) => Work;
  readonly done: ReadonlySet<string>;
}

/**
 * Converts an image to NIfTI-Zarr by the workers of a queue; this process plans, follows and publishes. What is at the
 * output at the end is what `writeNiftiZarr` writes, byte for byte. Until then there is nothing.
 *
 * What cannot be read or written after three tries fails alone: all else is done, and is kept for `resume`, as after an
 * abort.
 *
 * @throws LazyImageError `ERR_PIECES` where parts failed; `ERR_EXISTS` where the output exists, or another planner writes
 * it; `ERR_QUEUE`; and what `beginNiftiZarr` throws
 */
export async function convertOnQueue(
  queue: WorkQueue,
  { source, image, output }: QueuedConversion,
  options: ConvertOnQueueOptions = {},
): Promise<void> {
  const [from, to] = [shareable(source), shareable(output)];
  const lease = await takeLease(queue.connection, leaseKey(to), to, options.signal);
  try {
    const signal = options.signal ? AbortSignal.any([options.signal, lease.lost]) : lease.lost;
    const conversion = await beginNiftiZarr(image, to, { ...options, signal });
    try {
      const plan = planId(to, conversion.fingerprint);
      const { run, log, done } = await beginRun(queue, plan, conversion.resumed);
      const writing = writingOf({ ...options });
      const workOf = ({ first, count }: PieceRun): Work => ({
        id: `${run}-${first}`,
        payload: { kind: "convert", run, plan, source: from, output: to, writing, first, count },
      });
      await convertStages({ queue, conversion, log, workOf, done }, { ...options, signal });
      signal.throwIfAborted();
      await conversion.publish();
      await queue.connection.del(runKey(plan));
      await log.remove();
    } catch (error) {
      await conversion.keep();
      throw error;
    }
  } finally {
    await lease.release();
  }
}

/** The run of a plan: the one that an earlier planner began, where its output is still there, or a new one. */
async function beginRun({ connection }: WorkQueue, plan: string, resumed: boolean) {
  const earlier = resumed ? await connection.get(runKey(plan)) : null;
  const run = earlier ?? randomUUID().replaceAll("-", "");
  const note = () => connection.set(runKey(plan), run, "EX", KEPT);
  await note();
  const entriesOf = runLog(connection, run);
  const log: RunLog = {
    ...entriesOf,
    async restore() {
      await note();
      await entriesOf.restore();
    },
  };
  const entries = await log.read();
  const done = new Set(entries.filter(({ error }) => error === undefined).map(({ job }) => job));
  return { run, log, done };
}

async function convertStages(
  { queue, conversion, log, workOf, done }: Planned,
  { signal, jobBytes, onProgress, onFailure }: ConvertOnQueueOptions,
): Promise<void> {
  const { pieces } = conversion;
  const piecesOf = ({ first, count }: PieceRun): Piece[] => pieces.slice(first, first + count);
  const bytesOf = (run: PieceRun): number => piecesOf(run).reduce((sum, piece) => sum + piece.bytes, 0);
  const isDone = (run: PieceRun): boolean =>
    done.has(workOf(run).id) || piecesOf(run).every((piece) => conversion.isDone(piece));
  const totalBytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
  let bytes = 0;
  for (const stage of stagesOf(pieces, jobBytes)) {
    const todo = new Map<string, PieceRun>();
    for (const run of stage) {
      if (isDone(run)) bytes += bytesOf(run);
      else todo.set(workOf(run).id, run);
    }
    const failures: PieceFailure[] = [];
    const works = [...todo.values()].map(workOf);
    for await (const { job, error } of follow(queue, log, works, signal)) {
      const run = todo.get(job)!;
      if (error === undefined) {
        bytes += bytesOf(run);
        onProgress?.({ bytes, totalBytes });
        continue;
      }
      const failure = { pieces: piecesOf(run).map(({ name }) => name), ...error };
      failures.push(failure);
      onFailure?.(failure);
    }
    // The next level is made from this one.
    if (failures.length > 0) throw piecesFailed(failures, works.length);
  }
}

function piecesFailed(failures: readonly PieceFailure[], total: number): LazyImageError {
  const [{ pieces, code, message }] = failures as [PieceFailure];
  return new LazyImageError(
    "ERR_PIECES",
    `${failures.length} of ${total} jobs failed, the others are done. The first, ${pieces[0]}: ${message} [${code}]. When the cause is gone, resume does what is missing.`,
  );
}
