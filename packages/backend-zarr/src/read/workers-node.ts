import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { LazyImageError } from "@lazyimg/core";
import type { ChunkLayout, Task } from "./task.js";
import type { WorkerAnswer } from "./worker-protocol.js";

/** Workers beside the main thread, which decodes too. More than this and copying the results is what takes time. */
const MOST_WORKERS = 4;
/** A worker that had nothing to do for so long, in milliseconds, gives its memory back. */
const IDLE = 5_000;
/** Slabs whose memory is kept for the next task. */
const SPARE = 4;

interface Waiting {
  resolve(slab: Uint8Array): void;
  reject(error: unknown): void;
}

/** One worker thread, which starts with its first task. */
export class DecodeWorker {
  #worker: Worker | undefined;
  #ready = false;
  #broken = false;
  #next = 0;
  readonly #waiting = new Map<number, Waiting>();
  #idle: ReturnType<typeof setTimeout> | undefined;
  readonly #spare: ArrayBuffer[] = [];

  /** Whether it takes tasks at once: starting takes 50 to 150 ms, in which the main thread gets along alone. */
  get ready(): boolean {
    if (!this.#broken) this.#start();
    return this.#ready && !this.#broken;
  }

  /**
   * Decodes a task; the result is the caller's until it is handed to `recycle`.
   *
   * @throws LazyImageError of the task
   */
  run(task: Task, layout: ChunkLayout): Promise<Uint8Array> {
    const worker = this.#start();
    const id = this.#next++;
    const memory = this.#spare.pop();
    const transfer = memory === undefined ? [] : [memory];
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      // While a task waits, the process must not end.
      worker.ref();
      worker.postMessage({ id, task, layout, memory }, transfer);
    });
  }

  recycle(slab: Uint8Array): void {
    if (this.#spare.length < SPARE) this.#spare.push(slab.buffer as ArrayBuffer);
  }

  #start(): Worker {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#stop(), IDLE);
    this.#idle.unref();
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL("./worker-node.js", import.meta.url), { execArgv: [], stdout: false });
    worker.unref();
    worker.on("online", () => {
      this.#ready = true;
    });
    worker.on("message", (message: WorkerAnswer) => this.#settle(message));
    worker.on("error", (error) => this.#fail(error));
    this.#worker = worker;
    return worker;
  }

  #settle(message: WorkerAnswer): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if ("error" in message) waiting?.reject(new LazyImageError(message.error.code, message.error.message));
    else waiting?.resolve(new Uint8Array(message.memory, 0, message.length));
  }

  /** The file of the worker may be missing (a bundle): then the main thread does without. */
  #fail(error: unknown): void {
    this.#broken = true;
    this.#ready = false;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #stop(): void {
    if (this.#waiting.size > 0) return;
    this.#ready = false;
    this.#spare.length = 0;
    void this.#worker?.terminate();
    this.#worker = undefined;
  }
}

let workers: readonly DecodeWorker[] | undefined;

/** The workers of this process: one for every processor but one. */
export function decodeWorkers(): readonly DecodeWorker[] {
  workers ??= Array.from(
    { length: Math.min(MOST_WORKERS, availableParallelism() - 1) },
    () => new DecodeWorker(),
  );
  return workers;
}
