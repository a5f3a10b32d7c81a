import { Worker } from "node:worker_threads";
import { LazyImageError, type RequestJSON } from "@lazyimg/core";
import type { Division } from "./regions.js";

/** What a thread begins with. */
export interface ThreadData {
  readonly module: string;
  readonly options: unknown;
  readonly request: RequestJSON;
  readonly division: Division;
}

/** What a thread says: that it is ready, or what became of a region. */
export interface ThreadReply {
  readonly region?: number;
  readonly value?: unknown;
  readonly error?: unknown;
  /** Of a `LazyImageError`, which is a plain one behind a message. */
  readonly code?: string;
}

/** Values by the numbers of their regions, as they come. */
export type Values = AsyncGenerator<readonly [region: number, value: unknown], void, undefined>;

/** Has threads call a module's function for every region. */
export async function* mapInThreads(
  data: ThreadData,
  { count, threads, signal }: { count: number; threads: number; signal: AbortSignal | undefined },
): Values {
  let next = 0;
  let done = 0;
  const arrived: ThreadReply[] = [];
  let wake = (): void => {};
  const tell = (reply: ThreadReply): void => {
    arrived.push(reply);
    wake();
  };
  const abort = (): void => tell({ region: -1, error: signal?.reason });
  const workers = Array.from({ length: Math.max(1, Math.min(threads, count)) }, () => {
    const worker = new Worker(new URL("./map-thread.js", import.meta.url), { workerData: data });
    worker.on("message", (reply: ThreadReply) => {
      if (reply.region !== undefined) tell(reply);
      if (next < count) worker.postMessage(next++);
    });
    worker.on("error", (error) => tell({ region: -1, error }));
    worker.on("exit", (code) => {
      const message = `A thread of mapRegions ended with exit code ${code}`;
      tell({ region: -1, error: new LazyImageError("ERR_PIECES", message) });
    });
    return worker;
  });
  signal?.addEventListener("abort", abort);
  try {
    while (done < count) {
      while (arrived.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const { region, value, error, code } = arrived.shift()!;
      if (code !== undefined) throw new LazyImageError(code, (error as Error).message, { cause: error });
      if (error !== undefined) throw error;
      done++;
      yield [region!, value];
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
