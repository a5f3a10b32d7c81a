import { onAbort } from "@lazyimg/core/abort";

interface Waiting {
  readonly cost: number;
  readonly begin: () => void;
}

/** Lets reads that take long wait: for those that do not, and for each other, the shortest first. */
export class Line {
  /** Reads under way that do not take long. */
  #quick = 0;
  #isBusy = false;
  #waiting: Waiting[] = [];

  /** @param cost how long `read` takes, which begins when its turn comes; 0 for what does not take long */
  async run<T>(cost: number, signal: AbortSignal, read: () => Promise<T>): Promise<T> {
    const isSlow = cost > 0;
    if (isSlow) await this.#turn(cost, signal);
    else this.#quick++;
    try {
      return await read();
    } finally {
      if (isSlow) this.#isBusy = false;
      else this.#quick--;
      this.#next();
    }
  }

  async #turn(cost: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const stay = onAbort(signal, () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        reject(signal.reason);
      });
      const begin = (): void => {
        stay();
        resolve();
      };
      const waiting = { cost, begin };
      this.#waiting.push(waiting);
      this.#waiting.sort((a, b) => a.cost - b.cost);
      this.#next();
    });
  }

  #next(): void {
    if (this.#isBusy || this.#quick > 0) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#isBusy = true;
    next.begin();
  }
}
