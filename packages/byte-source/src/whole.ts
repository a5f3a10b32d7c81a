import { SharedWork } from "@lazyimg/core/abort";
import { Growing } from "./growing.js";

/** For how long a download rests unread before its connection is let go, in milliseconds. */
const REST = 1000;

/** Bytes from some position on, until `cancel` is called. */
export interface Download {
  readonly pieces: AsyncGenerator<Uint8Array>;
  cancel(reason?: unknown): void;
}

/**
 * A file whose server sends all of it or nothing: downloaded as far as somebody reads, and kept.
 *
 * Reads are answered while the bytes pass. Between reads the download rests, and is let go after a second; if it has
 * to begin again it goes on to its end, so that nothing is sent more than twice.
 */
export class Whole {
  readonly #begin: (position: number) => Download;
  readonly #most: number;
  readonly #kept = new Growing();
  #download: Download | null;
  #pull: SharedWork<void> | null = null;
  #complete = false;
  #again = false;
  #rest: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param first the download that has begun, from 0
   * @param begin begins another at a position
   * @param most how many bytes to keep
   */
  constructor(first: Download, begin: (position: number) => Download, most: number) {
    this.#download = first;
    this.#begin = begin;
    this.#most = most;
  }

  /** The bytes `[start, end)` as they come, with `end` within what may be kept. */
  async *stream(start: number, end: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    let position = start;
    while (position < end) {
      signal?.throwIfAborted();
      if (position < this.#kept.length) {
        const piece = this.#kept.view(position, end);
        position += piece.length;
        yield piece;
      } else if (this.#complete) {
        return;
      } else {
        clearTimeout(this.#rest);
        if (this.#pull === null || this.#pull.abandoned) this.#pull = this.#next();
        await this.#pull.join(signal);
      }
    }
  }

  /** Lets the connection go; readers that wait fail with `reason`. */
  cancel(reason?: unknown): void {
    clearTimeout(this.#rest);
    this.#download?.cancel(reason);
    this.#download = null;
  }

  /** The next piece, for everybody who waits. */
  #next(): SharedWork<void> {
    const pull: SharedWork<void> = new SharedWork(async (signal) => {
      if (this.#download === null) {
        this.#again = this.#kept.length > 0;
        this.#download = this.#begin(this.#kept.length);
      }
      const download = this.#download;
      signal.addEventListener("abort", () => {
        if (this.#download === download) this.cancel(signal.reason);
      });
      try {
        const { done, value } = await download.pieces.next();
        if (done) this.#complete = true;
        else this.#kept.append(value, this.#most);
      } catch (error) {
        if (this.#download === download) this.#download = null;
        throw error;
      } finally {
        if (this.#pull === pull) this.#pull = null;
      }
      if (this.#complete || this.#download !== download) return;
      if (this.#again && this.#kept.length < this.#most) {
        this.#pull = this.#next();
        this.#pull.join().catch(() => {});
      } else {
        this.#rest = setTimeout(() => this.cancel(), REST);
      }
    });
    return pull;
  }
}
