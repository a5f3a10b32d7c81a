import { isLazyImageError } from "@lazyimg/core";
import type { ChunkLayout, Task, TaskRunner } from "./task.js";

/** What a worker is asked. */
export interface WorkerRequest {
  readonly id: number;
  readonly task: Task;
  readonly layout: ChunkLayout;
  /** Memory from an earlier answer, to be filled again. */
  readonly memory?: ArrayBuffer | undefined;
}

/** What it says: that it has started; then answers, each a slab at the beginning of `memory`, or an error. */
export type WorkerAnswer =
  | { readonly ready: true }
  | { readonly id: number; readonly memory: ArrayBuffer; readonly length: number }
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string } };

/** The body of a worker: says that it has started, and gives what decodes the tasks that it is sent. */
export function serveTasks(
  runner: TaskRunner,
  answer: (message: WorkerAnswer, transfer: ArrayBuffer[]) => void,
): (request: WorkerRequest) => void {
  answer({ ready: true }, []);
  return ({ id, task, layout, memory }) => {
    runner
      .run(task, layout, (slab) => {
        const own =
          memory !== undefined && memory.byteLength >= slab.length ? memory : new ArrayBuffer(slab.length);
        new Uint8Array(own).set(slab);
        answer({ id, memory: own, length: slab.length }, [own]);
      })
      .catch((error: unknown) => {
        const code = isLazyImageError(error) ? error.code : "ERR_CORRUPT";
        const message = error instanceof Error ? error.message : String(error);
        answer({ id, error: { code, message } }, []);
      });
  };
}
