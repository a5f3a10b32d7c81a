import { abortable } from "./abort.js";

/**
 * Work that several readers wait for: it is aborted when the last of them leaves, never when the first does.
 */
export class SharedWork<T> {
  readonly #controller = new AbortController();
  readonly #result: Promise<T>;
  #readers = 0;

  /** Starts the work at once; `start` gets the signal that the readers share. */
  constructor(start: (signal: AbortSignal) => Promise<T>) {
    this.#result = start(this.#controller.signal);
    this.#result.catch(() => {}); // it may fail when nobody waits any more
  }

  /** Whether everybody left: too late to join. */
  get abandoned(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Waits for the result; rejects with `signal.reason` when this reader leaves before. */
  join(signal?: AbortSignal | undefined): Promise<T> {
    if (!signal?.aborted) this.#readers++;
    return abortable(this.#result, signal, () => {
      if (--this.#readers === 0) this.#controller.abort(signal!.reason);
    });
  }
}
