import { LazyImageError } from "@lazyimg/core";
import { startThread } from "#threads";
import type { ChunkLayout, Task } from "./task.js";
import type { WorkerAnswer, WorkerRequest } from "./worker-protocol.js";

/** Slabs whose memory is kept for the next task. */
const SPARE = 4;

/** A thread of the platform. */
export interface DecodeThread {
  post(request: WorkerRequest, transfer: ArrayBuffer[]): void;
  /** Whether the process has to wait for it. */
  hold(busy: boolean): void;
  stop(): void;
}

/** What a thread tells of itself. */
export interface ThreadEvents {
  answer(message: WorkerAnswer): void;
  failed(error: unknown): void;
}

interface Waiting {
  resolve(slab: Uint8Array | null): void;
  reject(error: unknown): void;
}

/** A running thread, and whether it came to take tasks. */
interface Running {
  readonly thread: DecodeThread;
  readonly started: Promise<boolean>;
}

/** One worker, whose thread starts when it is first needed, and ends when it had nothing to do for a while. */
export class DecodeWorker {
  readonly #patience: () => number;
  #running: Running | undefined;
  #broken = false;
  #next = 0;
  readonly #waiting = new Map<number, Waiting>();
  #idle: ReturnType<typeof setTimeout> | undefined;
  readonly #spare: ArrayBuffer[] = [];

  /** @param patience how long it may have nothing to do, in milliseconds */
  constructor(patience: () => number) {
    this.#patience = patience;
  }

  /** Whether its thread is there, or starts. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Starts the thread, where it does not run: 50 to 150 ms. Whether it takes tasks. */
  start(): Promise<boolean> {
    if (this.#broken) return Promise.resolve(false);
    this.rest();
    this.#running ??= this.#begin();
    return this.#running?.started ?? Promise.resolve(false);
  }

  /**
   * Decodes a task, after `start`; the result is the caller's until it is handed to `recycle`. `null` where the thread has
   * ended: the caller decodes it himself.
   *
   * @throws LazyImageError of the task
   */
  async run(task: Task, layout: ChunkLayout): Promise<Uint8Array | null> {
    if (!(await this.start())) return null;
    const { thread } = this.#running!;
    const id = this.#next++;
    const memory = this.#spare.pop();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      thread.hold(true);
      thread.post({ id, task, layout, memory }, memory === undefined ? [] : [memory]);
    });
  }

  /** Takes back the memory of a result. */
  recycle({ buffer }: Uint8Array): void {
    if (buffer instanceof ArrayBuffer && this.#spare.length < SPARE) this.#spare.push(buffer);
  }

  /** Ends the thread, unless it has something to do before its time is over. */
  rest(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#stop(), this.#patience());
    // Only Node's timers keep a process alive.
    this.#idle.unref?.();
  }

  #begin(): Running | undefined {
    let settle!: (started: boolean) => void;
    const started = new Promise<boolean>((resolve) => {
      settle = resolve;
    });
    const failed = (): void => {
      this.#broken = true;
      this.#running?.thread.stop();
      this.#running = undefined;
      settle(false);
      for (const { resolve } of this.#waiting.values()) resolve(null);
      this.#waiting.clear();
    };
    try {
      const answer = (message: WorkerAnswer): void => {
        if ("ready" in message) settle(true);
        else this.#settle(message);
      };
      return { thread: startThread({ answer, failed }), started };
    } catch {
      failed();
      return undefined;
    }
  }

  #settle(message: Exclude<WorkerAnswer, { ready: true }>): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (this.#waiting.size === 0) {
      this.#running?.thread.hold(false);
      this.rest();
    }
    if ("error" in message) waiting?.reject(new LazyImageError(message.error.code, message.error.message));
    else waiting?.resolve(new Uint8Array(message.memory, 0, message.length));
  }

  #stop(): void {
    if (this.#waiting.size > 0) return;
    this.#spare.length = 0;
    this.#running?.thread.stop();
    this.#running = undefined;
  }
}
