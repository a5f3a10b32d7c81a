import { formatBytes } from "./format.js";
import type { Traffic } from "./traffic.js";

/** Nothing is shown of what takes less, in milliseconds. */
const PATIENCE = 1000;
const EVERY = 100;
/** Between lines where there is no terminal, in milliseconds. */
const LINES_EVERY = 5000;

/** A reader's `onProgress`. */
export type Report = (done: { bytes: number; totalBytes: number }) => void;

/** How progress is shown. */
export interface ProgressOptions {
  /** Reports are of bytes: how fast they pass and how long the rest will take is shown too. */
  readonly pace?: boolean;
  /** Where there is no terminal, a line every few seconds. */
  readonly lines?: boolean;
}

/** Seconds as people read them: `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** How fast bytes pass, from the first report on: what was done before it may be an earlier run's. */
export class Pace {
  #first: { at: number; bytes: number } | undefined;
  #last = { at: 0, bytes: 0, totalBytes: 0 };

  /** @param at in milliseconds */
  report({ bytes, totalBytes }: { bytes: number; totalBytes: number }, at: number): void {
    this.#first ??= { at, bytes };
    this.#last = { at, bytes, totalBytes };
  }

  /** `, 118.0 MiB/s, 12 s left`, or nothing where that is not known yet. */
  text(now: number): string {
    const { at, bytes, totalBytes } = this.#last;
    if (this.#first === undefined || at <= this.#first.at || bytes <= this.#first.bytes) return "";
    const perSecond = (1000 * (bytes - this.#first.bytes)) / (at - this.#first.at);
    const left = Math.max(0, (totalBytes - bytes) / perSecond - (now - at) / 1000);
    return `, ${formatBytes(Math.round(perSecond))}/s, ${formatDuration(left)} left`;
  }
}

/** Tells on a terminal how far long work has come, in one line; on anything else nothing, or a line now and then. */
export class Progress {
  /** Does `work`, and shows how far it is once it has taken a second. */
  async during<T>(
    what: string,
    traffic: Traffic,
    work: (report: Report) => Promise<T>,
    { pace: isPaced = false, lines = false }: ProgressOptions = {},
  ): Promise<T> {
    let done = "";
    let shown = false;
    let timer: NodeJS.Timeout;
    const pace = new Pace();
    const text = (): string => {
      const read = traffic.bytes > 0 ? `, ${formatBytes(traffic.bytes)} read` : "";
      return `${what}${done}${pace.text(Date.now())}${read}`;
    };
    const show = (): void => {
      // Not looked at before, because looking at it loads Node's streams and terminals.
      if (process.stderr.isTTY !== true) {
        if (lines) timer = setTimeout(showLine, LINES_EVERY - PATIENCE);
        return;
      }
      shown = true;
      timer = setTimeout(show, EVERY);
      // Clears the rest of the line, and writes over it.
      process.stderr.write(`\r\x1b[K${text()}`);
    };
    const showLine = (): void => {
      timer = setTimeout(showLine, LINES_EVERY);
      process.stderr.write(`${text()}\n`);
    };
    timer = setTimeout(show, PATIENCE);
    try {
      return await work((share) => {
        if (share.totalBytes === 0) return;
        done = ` ${Math.min(100, Math.floor((100 * share.bytes) / share.totalBytes))} %`;
        if (isPaced) pace.report(share, Date.now());
      });
    } finally {
      clearTimeout(timer);
      if (shown) process.stderr.write("\r\x1b[K");
    }
  }
}
