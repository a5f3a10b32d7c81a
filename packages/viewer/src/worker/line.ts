import { onAbort } from "@lazyimg/core/abort";

interface Waiting {
  readonly cost: number;
  readonly begin: () => void;
}

/** What does not take long is waited for this long, in milliseconds: after a coarse plane, the page asks for a fine one. */
const PAUSE = 100;

/**
 * Lets reads that take long wait for those that do not, and then for each other, the shortest first. One that is shorter than
 * all that are under way does not wait for them.
 */
export class Line {
  /** Reads under way that do not take long. */
  #quick = 0;
  /** What those under way cost that do. */
  #slow: number[] = [];
  #waiting: Waiting[] = [];
  #pause: ReturnType<typeof setTimeout> | undefined;

  /** @param cost how long `read` takes, which begins when its turn comes; 0 for what does not take long */
  async run<T>(cost: number, signal: AbortSignal, read: () => Promise<T>): Promise<T> {
    const isSlow = cost > 0;
    if (isSlow) await this.#turn(cost, signal);
    else this.#quick++;
    try {
      return await read();
    } finally {
      if (isSlow) this.#slow.splice(this.#slow.indexOf(cost), 1);
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
    clearTimeout(this.#pause);
    if (this.#waiting.length > 0) this.#pause = setTimeout(() => this.#begin(), PAUSE);
  }

  #begin(): void {
    const [first] = this.#waiting;
    if (first === undefined || this.#quick > 0 || first.cost >= Math.min(...this.#slow)) return;
    this.#waiting.shift();
    this.#slow.push(first.cost);
    first.begin();
    this.#next();
  }
}
