import { onAbort } from "@lazyimg/core/abort";

/** One HTTP request: ended by its reader's signal, by `end()`, or by a server that sends nothing for too long. */
export class Attempt {
  readonly #controller = new AbortController();
  readonly #timeout: number;
  readonly #ended: (attempt: Attempt) => void;
  #unfollow: (() => void) | undefined;
  #fail: ((reason: unknown) => void) | undefined;

  constructor(signal: AbortSignal | undefined, timeout: number, ended: (attempt: Attempt) => void) {
    this.#timeout = timeout;
    this.#ended = ended;
    if (signal !== undefined) this.follow(signal);
  }

  /** What `fetch` is to heed. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends with `signal` from here on, and no longer with the one before. */
  follow(signal: AbortSignal): void {
    this.#unfollow?.();
    this.#unfollow = onAbort(signal, () => this.end(signal.reason));
  }

  /** Waits for a step of the request, for the timeout at most; ends also where `fetch` heeds no signal. */
  wait<T>(step: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const stalled = (): void => this.end(new Error(`nothing came for ${this.#timeout} ms`));
      const timer = setTimeout(stalled, this.#timeout);
      this.#fail = (reason) => {
        clearTimeout(timer);
        reject(reason);
      };
      step.then(resolve, reject).finally(() => clearTimeout(timer));
      if (this.signal.aborted) this.#fail(this.signal.reason);
    });
  }

  /** Ends the request and frees its connection; where it is complete this only tidies up. */
  end(reason?: unknown): void {
    this.#unfollow?.();
    this.#unfollow = undefined;
    this.#ended(this);
    this.#fail?.(reason);
    this.#controller.abort(reason);
  }
}
