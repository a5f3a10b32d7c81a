/**
 * Work that several readers wait for, by key: who asks for what is under way joins it. It is aborted when its last
 * reader leaves, never when the first does.
 */
export class SharedWork<T> {
  readonly #running = new Map<
    string,
    { promise: Promise<T>; controller: AbortController; readers: number }
  >();

  async join(key: string, start: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    let work = this.#running.get(key);
    if (work === undefined) {
      const controller = new AbortController();
      const promise = start(controller.signal);
      const started = { promise, controller, readers: 0 };
      const forget = (): void => {
        if (this.#running.get(key) === started) this.#running.delete(key);
      };
      // It may fail when nobody waits any more.
      promise.then(forget, forget);
      this.#running.set(key, started);
      work = started;
    }
    const joined = work;
    joined.readers++;
    if (signal === undefined) return joined.promise;
    let leave = (): void => {};
    const left = new Promise<never>((_, reject) => {
      leave = () => {
        reject(signal.reason);
        if (--joined.readers > 0) return;
        if (this.#running.get(key) === joined) this.#running.delete(key);
        joined.controller.abort(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
    });
    try {
      return await Promise.race([joined.promise, left]);
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }
}
