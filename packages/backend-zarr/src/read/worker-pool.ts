import { parallelism } from "#threads";
import { DecodeWorker } from "./decode-worker.js";

/** Workers beside the thread that reads, which decodes too. More than this and copying the results is what takes time. */
const MOST_WORKERS = 4;
/** How long a worker that has nothing to do is kept, in milliseconds: while there are images that used it, and after. */
const IDLE = 5_000;
const LINGER = 250;

/** Reads with fewer decoded bytes are for the thread that asks: to hand them over would take as long. */
const WORTH_ASKING = 12 << 20;
/** Bytes of reads that follow each other within `SOON` milliseconds for which threads are started: that takes as long as these. */
const WORTH_STARTING = 64 << 20;
const SOON = 1_000;

let workers: readonly DecodeWorker[] | undefined;
let users = 0;
let recent = 0;
let last = Number.NEGATIVE_INFINITY;

/** The workers of this process or page: one for every processor but one. */
function decodeWorkers(): readonly DecodeWorker[] {
  workers ??= Array.from(
    { length: Math.min(MOST_WORKERS, parallelism() - 1) },
    () => new DecodeWorker(() => (users > 0 ? IDLE : LINGER)),
  );
  return workers;
}

/** The part that one array has in the workers of all. */
export class WorkerShare {
  #isUser = false;

  /** Those that help with a read that decodes `bytes`. */
  workersFor(bytes: number): readonly DecodeWorker[] {
    const now = performance.now();
    recent = bytes + (now - last < SOON ? recent : 0);
    last = now;
    if (bytes < WORTH_ASKING) return [];
    if (recent < WORTH_STARTING && !decodeWorkers().some((worker) => worker.isRunning)) return [];
    if (!this.#isUser) users++;
    this.#isUser = true;
    return decodeWorkers();
  }

  /** Ends the workers soon, if nobody else uses them. */
  close(): void {
    if (!this.#isUser) return;
    this.#isUser = false;
    users--;
    if (users === 0) for (const worker of decodeWorkers()) worker.rest();
  }
}
