import { onAbort } from "@lazyimg/core/abort";
import type { Batch, Row } from "./batches.js";
import { breathe } from "./breathe.js";
import type { DecodeWorker } from "./decode-worker.js";

/** Batches that a worker has at a time: it must not wait while the main thread decodes one of its own. */
export const AHEAD = 3;
/** How long to block the event loop, in milliseconds, where there are no workers. */
const BLOCKING = 12;

/** What is done with a batch. */
export interface BatchWork<Found> {
  /** @param signal aborts when another batch has failed, too */
  fetch(batch: Batch, signal: AbortSignal): Promise<Found>;
  /** Decodes and places a row: in `worker`, or in this thread. */
  decode(row: Row, found: Found, worker: DecodeWorker | undefined, signal: AbortSignal): Promise<void>;
}

/**
 * Works batches off: several lanes take the next one whenever they are done with one, until all are done, one failed or
 * the signal aborts.
 *
 * @param own lanes of this thread; the workers have theirs besides
 */
export async function runLanes<Found>(
  batches: readonly Batch[],
  workers: readonly DecodeWorker[],
  own: number,
  signal: AbortSignal | undefined,
  { fetch, decode }: BatchWork<Found>,
): Promise<void> {
  signal?.throwIfAborted();
  const failures: unknown[] = [];
  // A read that has failed leaves no request behind.
  const controller = new AbortController();
  const leave = signal && onAbort(signal, () => controller.abort(signal.reason));
  let next = 0;
  let stopWaiting!: () => void;
  const allTaken = new Promise<boolean>((resolve) => {
    stopWaiting = () => resolve(false);
  });
  const work = async (worker: DecodeWorker | undefined): Promise<void> => {
    // Workers must not run out of tasks while this thread decodes more than one row of its own.
    const blocking = workers.length > 0 ? 0 : BLOCKING;
    // While a worker starts, its batches are this thread's.
    if (worker !== undefined && !(await Promise.race([worker.start(), allTaken]))) return;
    let since = performance.now();
    while (next < batches.length && failures.length === 0) {
      signal?.throwIfAborted();
      const batch = batches[next++]!;
      if (next === batches.length) stopWaiting();
      const found = await fetch(batch, controller.signal);
      for (const row of batch.rows) {
        if (failures.length > 0) return;
        signal?.throwIfAborted();
        await decode(row, found, worker, controller.signal);
        if (worker !== undefined || performance.now() - since < blocking) continue;
        await breathe();
        since = performance.now();
      }
    }
  };
  const lane = async (worker: DecodeWorker | undefined): Promise<void> => {
    try {
      await work(worker);
    } catch (error) {
      failures.push(error);
      stopWaiting();
      controller.abort(error);
    }
  };
  const inWorkers = workers.flatMap((worker) => Array.from({ length: AHEAD }, () => lane(worker)));
  await Promise.all([...inWorkers, ...Array.from({ length: own }, () => lane(undefined))]);
  leave?.();
  signal?.throwIfAborted();
  if (failures.length > 0) throw failures[0];
}
