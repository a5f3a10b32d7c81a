import { onAbort } from "./abort.js";

/** Bounds what work in flight takes together: bytes of memory, requests, Workers. First come, first served. */
export class Budget {
  #free: number;
  readonly #most: number;
  readonly #waiting: { readonly amount: number; readonly enter: () => void }[] = [];

  constructor(most: number) {
    this.#most = most;
    this.#free = most;
  }

  /**
   * Waits until `amount` is free (an amount above the bound: until nothing else runs), and gives what returns it; rejects with
   * `signal.reason`.
   */
  async acquire(amount: number, signal: AbortSignal | undefined): Promise<() => void> {
    signal?.throwIfAborted();
    const share = Math.min(amount, this.#most);
    if (this.#waiting.length === 0 && share <= this.#free) this.#free -= share;
    else {
      await new Promise<void>((resolve, reject) => {
        const stay =
          signal &&
          onAbort(signal, () => {
            this.#waiting.splice(this.#waiting.indexOf(entry), 1);
            this.#admit();
            reject(signal.reason);
          });
        const entry = {
          amount: share,
          enter: () => {
            stay?.();
            resolve();
          },
        };
        this.#waiting.push(entry);
      });
    }
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#free += share;
      this.#admit();
    };
  }

  #admit(): void {
    while (this.#waiting.length > 0 && this.#waiting[0]!.amount <= this.#free) {
      const next = this.#waiting.shift()!;
      this.#free -= next.amount;
      next.enter();
    }
  }
}
