import type { Redis } from "ioredis";
import { type LogEntry, parseEntry } from "./payload.js";
import { KEPT } from "./queue.js";

const keyOf = (run: string): string => `lazyimg:log:${run}`;

/** Notes what became of a job, for good: whoever follows the run reads it, now or after a restart. */
export async function appendEntry(connection: Redis, run: string, entry: LogEntry): Promise<void> {
  await connection.multi().rpush(keyOf(run), JSON.stringify(entry)).expire(keyOf(run), KEPT).exec();
}

/** The log of a run, read on from where it was read before. */
export interface RunLog {
  read(): Promise<LogEntry[]>;
  /** Makes good what a server that forgot everything has lost: there, the run begins again. */
  restore(): Promise<void>;
  remove(): Promise<void>;
}

export function runLog(connection: Redis, run: string): RunLog {
  let cursor = 0;
  return {
    async read() {
      const texts = await connection.lrange(keyOf(run), cursor, -1);
      cursor += texts.length;
      return texts.map(parseEntry).filter((entry) => entry !== undefined);
    },
    async restore() {
      if ((await connection.llen(keyOf(run))) < cursor) cursor = 0;
    },
    async remove() {
      await connection.del(keyOf(run));
    },
  };
}
