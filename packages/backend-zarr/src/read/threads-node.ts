import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { DecodeThread, ThreadEvents } from "./decode-worker.js";

/** How many threads can run at a time, this one included. */
export function parallelism(): number {
  return availableParallelism();
}

/** Starts a thread that decodes tasks. Its file may be missing (a bundle): that is a failure of it. */
export function startThread({ answer, failed }: ThreadEvents): DecodeThread {
  const worker = new Worker(new URL("./worker-node.js", import.meta.url), { execArgv: [], stdout: false });
  worker.unref();
  worker.on("message", answer);
  worker.on("error", failed);
  return {
    post: (request, transfer) => worker.postMessage(request, transfer),
    // While a task waits, the process must not end.
    hold: (busy) => (busy ? worker.ref() : worker.unref()),
    stop: () => void worker.terminate(),
  };
}
