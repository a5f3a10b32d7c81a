import { setTimeout as sleep } from "node:timers/promises";
import { abortable } from "@lazyimg/core/abort";
import { ATTEMPTS, type LogEntry, type Payload } from "./payload.js";
import type { WorkQueue } from "./queue.js";
import type { RunLog } from "./run-log.js";

/** Most jobs of a run that are on the queue at a time: what it costs Redis does not grow with the work. */
const WINDOW = 1024;
/** Between two looks into the log, in milliseconds. */
const LEAST = 10;
const MOST = 250;
/** After so long without news, jobs are put on the queue again, which changes nothing for those that are there. */
const QUIET = 5000;

/** A job that is to be done. */
export interface Work {
  readonly id: string;
  readonly payload: Payload;
}

/**
 * Has jobs done by workers, and gives what the log says of each, in the order in which they end. Those that nobody has
 * begun are taken back when the caller leaves.
 */
export async function* follow(
  { jobs, connection }: WorkQueue,
  log: RunLog,
  works: Iterable<Work>,
  signal: AbortSignal | undefined,
): AsyncGenerator<LogEntry, void, undefined> {
  const rest = works[Symbol.iterator]();
  const open = new Map<string, Work>();
  const put = async (some: readonly Work[]): Promise<void> => {
    const opts = {
      attempts: ATTEMPTS,
      backoff: { type: "exponential", delay: 500 },
      removeOnComplete: true,
      removeOnFail: true,
    };
    const bulk = some.map(({ id, payload }) => ({
      name: payload.kind,
      data: payload,
      opts: { ...opts, jobId: id },
    }));
    await abortable(jobs.addBulk(bulk), signal);
  };
  const fill = async (): Promise<void> => {
    if (open.size > WINDOW / 2) return;
    const more: Work[] = [];
    while (open.size < WINDOW) {
      const { value, done } = rest.next();
      if (done === true) break;
      open.set(value.id, value);
      more.push(value);
    }
    if (more.length > 0) await put(more);
  };
  let pause = LEAST;
  let heard = Date.now();
  try {
    for (;;) {
      signal?.throwIfAborted();
      await fill();
      if (open.size === 0) return;
      const news = (await abortable(log.read(), signal)).filter(({ job }) => open.delete(job));
      yield* news;
      if (news.length > 0) {
        heard = Date.now();
        pause = LEAST;
        continue;
      }
      if (Date.now() - heard > QUIET) {
        await abortable(log.restore(), signal);
        await put([...open.values()]);
        heard = Date.now();
      }
      await sleep(pause, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
      pause = Math.min(MOST, 1.5 * pause);
    }
  } finally {
    // Not while the server is away: then they stay, and are refused as belonging to no run or done for nothing.
    if (open.size > 0 && connection.status === "ready") {
      const taken = Promise.allSettled([...open.keys()].map((id) => jobs.remove(id)));
      await Promise.race([taken, sleep(MOST * 8)]);
    }
  }
}
