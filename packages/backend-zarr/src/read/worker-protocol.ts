import type { ChunkLayout, Task } from "./task.js";

/** What a worker is asked. */
export interface WorkerRequest {
  readonly id: number;
  readonly task: Task;
  readonly layout: ChunkLayout;
  /** Memory from an earlier answer, to be filled again. */
  readonly memory?: ArrayBuffer | undefined;
}

/** What it answers: a slab at the beginning of `memory`, or an error. */
export type WorkerAnswer =
  | { readonly id: number; readonly memory: ArrayBuffer; readonly length: number }
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string } };
