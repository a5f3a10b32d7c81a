import { setTimeout as sleep } from "node:timers/promises";
import { isLazyImageError, LazyImageError } from "@lazyimg/core";
import { abortable } from "@lazyimg/core/abort";
import { type Job, UnrecoverableError, WaitingError, Worker } from "bullmq";
import { allowanceOf } from "./allow.js";
import type { Bench } from "./bench.js";
import { connect } from "./connection.js";
import { doConvert } from "./convert-job.js";
import { Held } from "./held.js";
import { doMap, modulesOf } from "./map-job.js";
import { ATTEMPTS, type LogEntry, type Payload, parsePayload } from "./payload.js";
import { QUEUE } from "./queue.js";
import { appendEntry } from "./run-log.js";
import { shown } from "./shown.js";
import { type OpenSource, openBySource } from "./sources.js";

/** What a worker may do, and with what. */
export interface WorkerOptions {
  /** Folders and URLs that jobs may read and write, with what is below; the current folder alone by default. */
  readonly allow?: readonly string[] | undefined;
  /** Modules whose functions `mapRegions` may run here; none by default. */
  readonly modules?: readonly string[] | undefined;
  /** Opens the images that jobs name; with the registered backends by default. */
  readonly open?: OpenSource | undefined;
  /** Stops the worker: what it has begun goes back to the queue. */
  readonly signal?: AbortSignal | undefined;
  /** Told when it is ready. */
  readonly onReady?: (() => void) | undefined;
  /** Told of each job that was done or failed. */
  readonly onJob?: ((report: JobReport) => void) | undefined;
  /** After so many milliseconds without a sign of life a worker counts as dead, and its job is given to another (30 s). */
  readonly lease?: number | undefined;
}

/** What became of a job here. */
export interface JobReport {
  /** `<run>-<first piece or region>`. */
  readonly job: string;
  readonly seconds: number;
  readonly error?: { readonly code: string; readonly message: string } | undefined;
  /** Whether it will be tried again. */
  readonly again?: boolean | undefined;
}

/** So many workers may die of a job before it counts as failed. */
const DEATHS = 5;

/** Runs whose files a worker keeps open: jobs of one come in a row. */
const MOST_HELD = 2;

/** So long a worker that ends waits for the queue to take back its job, in milliseconds. */
const FAREWELL = 5000;

/** Errors that another try cannot help. */
const FINAL: readonly string[] = [
  "ERR_NOT_ALLOWED",
  "ERR_INVALID_ARGUMENT",
  "ERR_INDEX",
  "ERR_UNSUPPORTED",
  "ERR_CHANGED",
];

const errorOf = (error: unknown): { code: string; message: string } =>
  isLazyImageError(error)
    ? { code: error.code, message: error.message }
    : { code: "ERR_INTERNAL", message: error instanceof Error ? error.message : String(error) };

/** Does a job, and gives what is to be noted of it; nothing where it is nobody's any more. */
async function perform(bench: Bench, job: Job, signal: AbortSignal): Promise<LogEntry | undefined> {
  const payload: Payload = parsePayload(job.data);
  if (job.stalledCounter >= DEATHS) {
    throw new LazyImageError("ERR_PIECES", `${job.stalledCounter} workers died while they did it`);
  }
  if (payload.kind === "map") return { job: job.id!, value: await doMap(bench, payload, signal) };
  return (await doConvert(bench, payload, signal)) ? { job: job.id! } : undefined;
}

/** The run that a job belongs to, of whatever is on the queue. */
const runOf = ({ data }: Job): string | undefined => {
  const { run } = (data ?? {}) as { run?: unknown };
  return typeof run === "string" && /^[0-9a-f]{32}$/.test(run) ? run : undefined;
};

/**
 * Takes work from a queue, one job at a time, until `signal` aborts.
 *
 * A job says what to read, write and run; it is done only where `allow` and `modules` say so, whoever put it there.
 *
 * @throws LazyImageError `ERR_QUEUE` where there is no queue, `ERR_INVALID_ARGUMENT`, `ERR_NOT_FOUND`
 */
export async function runWorker(url: string, options: WorkerOptions = {}): Promise<void> {
  const {
    allow = [process.cwd()],
    modules: allowed = [],
    open = openBySource,
    onJob,
    lease = 30_000,
  } = options;
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  signal.throwIfAborted();
  const modules = await modulesOf(allowed);
  const allowance = await allowanceOf(allow);
  const connection = await connect(url);
  const bench: Bench = {
    connection,
    allowance,
    modules,
    open,
    conversions: new Held(MOST_HELD),
    images: new Held(MOST_HELD),
  };

  async function take(job: Job, token?: string): Promise<void> {
    const begun = Date.now();
    const report = (more: Partial<JobReport> = {}): void =>
      onJob?.({ job: shown(job.id!), seconds: (Date.now() - begun) / 1000, ...more });
    try {
      const entry = await perform(bench, job, signal);
      if (entry !== undefined) await appendEntry(connection, runOf(job)!, entry);
      report();
    } catch (cause) {
      if (signal.aborted) {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      const error = errorOf(cause);
      const isFinal =
        FINAL.includes(error.code) ||
        job.stalledCounter >= DEATHS ||
        job.attemptsMade + 1 >= Math.min(ATTEMPTS, job.opts.attempts ?? 1);
      const run = runOf(job);
      if (isFinal && run !== undefined) await appendEntry(connection, run, { job: job.id!, error });
      report({ error, again: !isFinal });
      throw isFinal ? new UnrecoverableError(error.message) : cause;
    }
  }

  const worker = new Worker(QUEUE, take, {
    connection,
    autorun: false,
    lockDuration: lease,
    stalledInterval: lease / 2,
    // Who dies of a job is counted here, so that somebody is there to tell.
    maxStalledCount: 1000,
    runRetryDelay: 1000,
    drainDelay: 5,
  });
  worker.on("error", () => {}); // the connection comes back by itself
  try {
    await abortable(worker.waitUntilReady(), signal);
    options.onReady?.();
    await abortable(worker.run(), signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    stop.abort();
    // Not for ever, where the server is away.
    await Promise.race([worker.close().catch(() => {}), sleep(FAREWELL, undefined, { ref: false })]);
    await bench.conversions.close();
    await bench.images.close();
    connection.disconnect();
  }
}
