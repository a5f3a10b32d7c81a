const callbacks = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `callback` once when `signal` aborts, which must not have happened yet; returns what takes that back.
 *
 * A signal gets a single listener however many reads share it: Node warns of a leak at the eleventh.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let waiting = callbacks.get(signal);
  if (waiting === undefined) {
    waiting = new Set();
    callbacks.set(signal, waiting);
    signal.addEventListener("abort", () => {
      for (const call of waiting!) call();
    });
  }
  waiting.add(callback);
  return () => waiting.delete(callback);
}

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
  async join(signal?: AbortSignal | undefined): Promise<T> {
    signal?.throwIfAborted();
    this.#readers++;
    if (signal === undefined) return this.#result;
    return new Promise<T>((resolve, reject) => {
      const stay = onAbort(signal, () => {
        reject(signal.reason);
        if (--this.#readers === 0) this.#controller.abort(signal.reason);
      });
      this.#result.then(resolve, reject).then(stay);
    });
  }
}

/** Settles as `promise` does, or rejects with `signal.reason` where that comes first. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new SharedWork(() => promise).join(signal);
}
