import { onAbort } from "@lazyimg/core/abort";

/** Lets at most `most` holders in at a time, the rest in the order in which they came. */
export class Limit {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(most: number) {
    this.#free = most;
  }

  /** Waits for a place, which `leave()` gives back; rejects with `signal.reason` when that comes first. */
  async enter(signal: AbortSignal | undefined): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      let stay: (() => void) | undefined;
      const enter = (): void => {
        stay?.();
        resolve();
      };
      this.#waiting.add(enter);
      if (signal === undefined) return;
      stay = onAbort(signal, () => {
        this.#waiting.delete(enter);
        reject(signal.reason);
      });
    });
  }

  leave(): void {
    for (const enter of this.#waiting) {
      this.#waiting.delete(enter);
      enter(); // the place goes from hand to hand
      return;
    }
    this.#free++;
  }
}
