import { parentPort } from "node:worker_threads";
import { isLazyImageError } from "@lazyimg/core";
import { readFileSync } from "../store/directory-node.js";
import { TaskRunner } from "./task.js";
import type { WorkerAnswer, WorkerRequest } from "./worker-protocol.js";

// The body of a worker thread: decodes the tasks that it is sent, one after the other.
const runner = new TaskRunner(readFileSync);

const answer = (message: WorkerAnswer): void => {
  parentPort?.postMessage(message, "memory" in message ? [message.memory] : []);
};

parentPort?.on("message", ({ id, task, layout, memory }: WorkerRequest) => {
  runner
    .run(task, layout, (slab) => {
      const own =
        memory !== undefined && memory.byteLength >= slab.length ? memory : new ArrayBuffer(slab.length);
      new Uint8Array(own).set(slab);
      answer({ id, memory: own, length: slab.length });
    })
    .catch((error: unknown) => {
      const code = isLazyImageError(error) ? error.code : "ERR_CORRUPT";
      answer({ id, error: { code, message: error instanceof Error ? error.message : String(error) } });
    });
});
