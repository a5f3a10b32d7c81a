import type { ChunkLayout, Task } from "./task.js";

/** A thread that decodes tasks. */
export interface DecodeWorker {
  readonly ready: boolean;
  run(task: Task, layout: ChunkLayout): Promise<Uint8Array>;
  recycle(slab: Uint8Array): void;
}

/** Browsers decode on the thread that reads: call `read` inside a Worker to keep a page responsive. */
export function decodeWorkers(): readonly DecodeWorker[] {
  return [];
}
