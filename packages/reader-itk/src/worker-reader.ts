import { LazyImageError } from "@lazyimg/core";
import { abortable } from "@lazyimg/core/abort";
import { Link } from "@lazyimg/worker-link";
import { startWorker } from "#platform";
import type { PipelineWorker, ReadJob, ReadResult } from "./pipeline.js";

/** What reading a file may take. */
export interface Limits {
  readonly seconds: number;
  /** Bytes of memory. */
  readonly memory: number;
}

/** How often a Worker is looked after, in milliseconds. */
const EVERY = 250;

/** A Worker that reads one file after the other. */
export class WorkerReader {
  readonly #worker: PipelineWorker;
  readonly #link: Link;
  /** Seconds for which nothing was heard of it. */
  #silent = 0;

  /** Whether it started; not where a Content-Security-Policy forbids it, nor in a bundle without its script. */
  readonly #started: Promise<boolean>;

  private constructor(worker: PipelineWorker) {
    this.#worker = worker;
    let alive = (): void => {};
    this.#started = new Promise((resolve) => {
      alive = () => resolve(true);
      worker.onEnd(() => resolve(false));
    });
    this.#link = new Link(worker.port, {
      alive: async () => {
        this.#silent = 0;
        alive();
      },
    });
    worker.onEnd((reason) =>
      this.#fail("ERR_CORRUPT", reason instanceof Error ? reason.message : `${reason}`),
    );
  }

  /** `null` where there are no Workers. */
  static async start(signal: AbortSignal | undefined): Promise<WorkerReader | null> {
    let reader: WorkerReader;
    try {
      reader = new WorkerReader(startWorker());
    } catch {
      return null;
    }
    try {
      return (await abortable(reader.#started, signal)) ? reader : null;
    } catch (error) {
      reader.end();
      throw error;
    }
  }

  /**
   * Reads a file, and takes over its memory. The Worker has ended when that fails.
   *
   * @throws LazyImageError `ERR_LIMIT` when it takes more than it may, `ERR_CORRUPT` when the Worker breaks down
   */
  async read(
    job: ReadJob,
    { seconds, memory }: Limits,
    signal: AbortSignal | undefined,
  ): Promise<ReadResult> {
    this.#worker.hold(true);
    this.#silent = 0;
    // A Worker is silent while ITK is busy, and not while its WebAssembly is fetched. Looks are counted, and not time: there
    // are none while this thread is busy, or asleep.
    const watch = setInterval(() => {
      this.#silent += EVERY / 1000;
      if (this.#silent >= seconds) this.#fail("ERR_LIMIT", `ITK takes longer than ${+seconds.toFixed(1)} s`);
    }, EVERY);
    try {
      const options = { signal, transfer: [job.data.buffer as ArrayBuffer] };
      return (await this.#link.call("read", [job, memory], options)) as ReadResult;
    } catch (error) {
      this.end();
      throw error;
    } finally {
      clearInterval(watch);
      this.#worker.hold(false);
    }
  }

  end(): void {
    this.#worker.terminate();
  }

  #fail(code: string, message: string): void {
    this.#link.close(new LazyImageError(code, message));
  }
}
