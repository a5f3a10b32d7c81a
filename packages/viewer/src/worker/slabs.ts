import type { Range4D, Tensor } from "@lazyimg/core";
import { SharedWork } from "@lazyimg/core/abort";

/** A region that is kept, or on its way. */
export interface Slab {
  readonly range: Range4D;
  readonly tensor: Tensor;
}

interface Entry {
  readonly level: number;
  readonly range: Range4D;
  readonly work: SharedWork<Slab>;
  readonly bytes: number;
  /** Whether it is there. */
  isHeld: boolean;
}

/** Whether every position of `inner` is one of `outer`. */
export function contains(outer: Range4D, inner: Range4D): boolean {
  return outer.every(({ start, step, size }, axis) => {
    const wanted = inner[axis]!;
    const last = wanted.start + (wanted.size - 1) * wanted.step;
    return (
      wanted.start >= start &&
      last <= start + (size - 1) * step &&
      (wanted.start - start) % step === 0 &&
      (wanted.size === 1 || wanted.step % step === 0)
    );
  });
}

/** The regions that were used last, up to a number of bytes. Who wants what is on its way waits for it. */
export class Slabs {
  readonly #most: number;
  /** The least recently used first. */
  #entries: Entry[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  get bytes(): number {
    return this.#entries.reduce((sum, { bytes, isHeld }) => sum + (isHeld ? bytes : 0), 0);
  }

  /**
   * What holds `range`, if anything does.
   *
   * @param soon of what is on its way, only regions of no more bytes than this
   */
  find(level: number, range: Range4D, soon: number = Number.POSITIVE_INFINITY): SharedWork<Slab> | undefined {
    const found = this.#entries.find(
      (entry) =>
        entry.level === level &&
        (entry.isHeld || entry.bytes <= soon) &&
        !entry.work.abandoned &&
        contains(entry.range, range),
    );
    if (found === undefined) return undefined;
    this.#entries = [...this.#entries.filter((entry) => entry !== found), found];
    return found.work;
  }

  /**
   * Begins to read `range`.
   *
   * @param bytes of its voxels
   */
  add(
    level: number,
    range: Range4D,
    bytes: number,
    read: (signal: AbortSignal) => Promise<Tensor>,
  ): SharedWork<Slab> {
    const work = new SharedWork(async (signal) => {
      try {
        const tensor = await read(signal);
        entry.isHeld = true;
        this.#shrink();
        return { range, tensor };
      } catch (error) {
        this.#entries = this.#entries.filter((other) => other !== entry);
        throw error;
      }
    });
    const entry: Entry = { level, range, work, bytes, isHeld: false };
    this.#entries.push(entry);
    return work;
  }

  /** Drops the oldest, but never the newest. */
  #shrink(): void {
    while (this.bytes > this.#most && this.#entries.length > 1) {
      const oldest = this.#entries.findIndex(({ isHeld }) => isHeld);
      this.#entries.splice(oldest, 1);
    }
  }
}
