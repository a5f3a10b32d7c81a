import { memoryFor } from "./range.js";

/** Bytes that arrive in pieces, in memory that grows as they come: nobody's promise of a size is believed. */
export class Growing {
  #memory: Uint8Array;
  #length = 0;

  /** @param memory where to begin; it grows into memory of its own when this is full */
  constructor(memory: Uint8Array = new Uint8Array(0)) {
    this.#memory = memory;
  }

  get length(): number {
    return this.#length;
  }

  /** Adds a copy of `piece`; `most` is how many bytes there will be at most, as far as is known. */
  append(piece: Uint8Array, most: number): void {
    const needed = this.#length + piece.length;
    if (needed > this.#memory.length) {
      const grown = Math.max(needed, Math.min(most, Math.max(1 << 16, this.#memory.length * 2)));
      const memory = memoryFor(grown, undefined);
      memory.set(this.#memory.subarray(0, this.#length));
      this.#memory = memory;
    }
    this.#memory.set(piece, this.#length);
    this.#length = needed;
  }

  /** A view of what came, `[start, end)`; good until the next `append` at least. */
  view(start: number, end: number): Uint8Array {
    return this.#memory.subarray(start, Math.min(end, this.#length));
  }

  /** Everything, in memory of just that size. */
  all(): Uint8Array {
    return this.#length === this.#memory.length ? this.#memory : this.#memory.slice(0, this.#length);
  }
}
