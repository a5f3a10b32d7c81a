import { formatBytes } from "./format.js";
import type { Traffic } from "./traffic.js";

/** Nothing is shown of what takes less, in milliseconds. */
const PATIENCE = 1000;
const EVERY = 100;

/** A reader's `onProgress`. */
export type Report = (done: { bytes: number; totalBytes: number }) => void;

/** A line on a terminal that tells how far a long read has come; on anything else, nothing. */
export class Progress {
  /** Does `work`, and shows how far it is once it has taken a second. */
  async during<T>(what: string, traffic: Traffic, work: (report: Report) => Promise<T>): Promise<T> {
    let done = "";
    let shown = false;
    let timer: NodeJS.Timeout;
    const show = (): void => {
      // Not looked at before, because looking at it loads Node's streams and terminals.
      if (process.stderr.isTTY !== true) return;
      shown = true;
      timer = setTimeout(show, EVERY);
      const read = traffic.bytes > 0 ? `, ${formatBytes(traffic.bytes)} read` : "";
      // Clears the rest of the line, and writes over it.
      process.stderr.write(`\r\x1b[K${what}${done}${read}`);
    };
    timer = setTimeout(show, PATIENCE);
    try {
      return await work(({ bytes, totalBytes }) => {
        if (totalBytes > 0) done = ` ${Math.min(100, Math.floor((100 * bytes) / totalBytes))} %`;
      });
    } finally {
      clearTimeout(timer);
      if (shown) process.stderr.write("\r\x1b[K");
    }
  }
}
