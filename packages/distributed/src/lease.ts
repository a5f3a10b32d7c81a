import { randomUUID } from "node:crypto";
import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { LazyImageError } from "@lazyimg/core";
import { abortable } from "@lazyimg/core/abort";
import type { Redis } from "ioredis";

/** How long a lease lasts that nobody renews, in milliseconds. */
const LASTS = 12_000;

const REPLACE = `if redis.call("get", KEYS[1]) == ARGV[1] then
  return redis.call("set", KEYS[1], ARGV[2], "PX", ARGV[3]) else return nil end`;
const REMOVE = `if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) else return 0 end`;

/** The right to plan one conversion. */
export interface Lease {
  /** Aborts when another planner has taken it. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** This machine, and among its containers this one: where a process's number means something. */
function machine(): string {
  let space = "";
  try {
    space = readlinkSync("/proc/self/ns/pid").replace(/\D/g, "");
  } catch {
    // Not Linux: there is one.
  }
  return `${hostname()}/${space}`;
}

/** Whether a planner that held a lease is known to be no more. */
function isGone(holder: string): boolean {
  const [where, pid] = holder.split(" ");
  if (where !== machine() || Number(pid) === process.pid) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/**
 * Takes the lease of an output, once whoever held it is gone: killed on this machine, or silent for as long as it lasts.
 *
 * @throws LazyImageError `ERR_EXISTS` while another planner has it
 */
export async function takeLease(
  connection: Redis,
  key: string,
  output: string,
  signal: AbortSignal | undefined,
): Promise<Lease> {
  const own = `${machine()} ${process.pid} ${randomUUID()}`;
  const replace = async (holder: string): Promise<boolean> =>
    (await connection.eval(REPLACE, 1, key, holder, own, LASTS)) !== null;
  let left = Number.POSITIVE_INFINITY;
  for (;;) {
    signal?.throwIfAborted();
    if ((await abortable(connection.set(key, own, "PX", LASTS, "NX"), signal)) !== null) break;
    const [holder, remaining] = await Promise.all([connection.get(key), connection.pttl(key)]);
    if (holder === null) continue;
    if (isGone(holder)) {
      if (await replace(holder)) break;
      continue;
    }
    const [where = "", pid] = holder.split(" ");
    // It was renewed, so its holder lives.
    if (remaining > left || where === machine()) {
      throw new LazyImageError(
        "ERR_EXISTS",
        `Process ${pid} on ${where.replace(/\/.*/, "")} is converting to ${output} with this queue now; wait for it`,
      );
    }
    left = remaining;
    await sleep(LASTS / 24, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
  }
  const lost = new AbortController();
  let released = false;
  const timer = setInterval(async () => {
    const renewed = await replace(own).catch(() => true); // the server is away
    if (renewed) return;
    // It ran out, or the server forgot it; nobody else may have taken it.
    const again = await connection.set(key, own, "PX", LASTS, "NX").catch(() => null);
    if (again === null && !released) {
      lost.abort(
        new LazyImageError("ERR_EXISTS", `Another planner has taken over the conversion to ${output}`),
      );
    }
  }, LASTS / 4);
  return {
    lost: lost.signal,
    async release() {
      released = true;
      clearInterval(timer);
      if (connection.status === "ready") await connection.eval(REMOVE, 1, key, own).catch(() => {});
    },
  };
}
