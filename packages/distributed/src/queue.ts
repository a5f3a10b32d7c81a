import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { connect } from "./connection.js";
import type { Payload } from "./payload.js";

/** The one queue that workers take from, whatever the work. */
export const QUEUE: string = "lazyimg";

/** What was left behind is forgotten after so many seconds: 30 days. */
export const KEPT: number = 30 * 24 * 3600;

/** A place where work is put for workers. */
export interface WorkQueue {
  readonly connection: Redis;
  readonly jobs: Queue<Payload>;
  /** How many workers there are. */
  workers(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Connects to the queue at a URL.
 *
 * @param url `redis://[[user]:password@]host[:port][/db]`, or `rediss://` with TLS
 * @throws LazyImageError `ERR_QUEUE` where there is none, `ERR_INVALID_ARGUMENT`
 */
export async function openQueue(url: string): Promise<WorkQueue> {
  const connection = await connect(url);
  const jobs = new Queue<Payload>(QUEUE, { connection, streams: { events: { maxLen: 100 } } });
  jobs.on("error", () => {}); // the connection comes back by itself
  return {
    connection,
    jobs,
    workers: async () => (await jobs.getWorkers()).length,
    async close() {
      if (connection.status === "ready") await jobs.close().catch(() => {});
      connection.disconnect();
    },
  };
}
