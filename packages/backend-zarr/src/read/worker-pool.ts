import { parallelism } from "#threads";
import { DecodeWorker } from "./decode-worker.js";

/** Workers beside the thread that reads, which decodes too. More than this and copying the results is what takes time. */
const MOST_WORKERS = 4;
/** How long a worker that has nothing to do is kept, in milliseconds: while there are images that used it, and after. */
const IDLE = 5_000;
const LINGER = 250;

let workers: readonly DecodeWorker[] | undefined;
let users = 0;

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

  get workers(): readonly DecodeWorker[] {
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
