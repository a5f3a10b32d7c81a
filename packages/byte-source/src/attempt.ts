import { abortable, onAbort } from "@lazyimg/core/abort";

/** One HTTP request: ended by its reader's signal, by `end()`, or by a server that sends nothing for too long. */
export class Attempt {
  /** What the answer brings, once it has begun. */
  body: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #controller = new AbortController();
  /** What `fetch` is to heed. */
  readonly signal: AbortSignal = this.#controller.signal;
  readonly #timeout: number;
  readonly #ended: (attempt: Attempt) => void;
  readonly #stalled = (): void => this.end(new Error(`nothing came for ${this.#timeout} ms`));
  #unfollow: (() => void) | undefined;
  #complete = false;

  constructor(signal: AbortSignal | undefined, timeout: number, ended: (attempt: Attempt) => void) {
    this.#timeout = timeout;
    this.#ended = ended;
    if (signal !== undefined) this.follow(signal);
  }

  /** Ends with `signal` from here on, and no longer with the one before. */
  follow(signal: AbortSignal): void {
    this.#unfollow?.();
    this.#unfollow = onAbort(signal, () => this.end(signal.reason));
  }

  /** Waits for a step of the request, for the timeout at most; ends also where `fetch` heeds no signal. */
  wait<T>(step: Promise<T>): Promise<T> {
    return this.#timed(abortable(step, this.signal));
  }

  /**
   * Waits for the next piece of the answer's body, for the timeout at most; `undefined` after the last.
   *
   * Ends by way of `cancel`: what `wait` leaves with the signal to reject would make the engine keep every piece that has
   * passed until it collects old objects, too.
   */
  async piece(): Promise<Uint8Array | undefined> {
    if (this.body === undefined) return;
    const { done, value } = await this.#timed(this.body.read());
    this.#complete = done;
    return value;
  }

  async #timed<T>(step: Promise<T>): Promise<T> {
    const timer = setTimeout(this.#stalled, this.#timeout);
    try {
      return await step;
    } finally {
      clearTimeout(timer);
      this.signal.throwIfAborted(); // the reason, whatever the step made of it
    }
  }

  /** Ends the request and frees its connection; where it is complete this only tidies up. */
  end(reason?: unknown): void {
    this.#unfollow?.();
    this.#ended(this);
    if (this.#complete) return;
    this.#controller.abort(reason);
    this.body?.cancel(reason).catch(() => {});
  }
}
