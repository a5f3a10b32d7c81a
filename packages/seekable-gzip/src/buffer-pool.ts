const ROUND = 1 << 18;

/** Memory for some use, and what gives it back. */
export interface Memory {
  readonly bytes: Uint8Array;
  release(): void;
}

/** Memory for spans, used again and again: fresh memory costs time, and stays until it is collected. */
export class BufferPool {
  readonly #most: number;
  #held = 0;
  #size = 0;
  readonly #free: Uint8Array<ArrayBuffer>[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** At least `size` bytes, of any content. */
  take(size: number): Uint8Array<ArrayBuffer> {
    // All of one size, so that one serves as well as another.
    this.#size = Math.max(this.#size, Math.ceil(size / ROUND) * ROUND);
    const at = this.#free.findIndex((buffer) => buffer.length >= size);
    if (at < 0) {
      this.#free.length = 0;
      this.#held = 0;
      return new Uint8Array(this.#size);
    }
    const [buffer] = this.#free.splice(at, 1);
    this.#held -= buffer!.length;
    return buffer!;
  }

  /** `size` bytes, from byte `skip` of their memory on. */
  lend(size: number, skip = 0): Memory {
    const memory = this.take(size + skip);
    return { bytes: memory.subarray(skip, skip + size), release: () => this.give(memory) };
  }

  give(buffer: Uint8Array<ArrayBuffer>): void {
    if (this.#held + buffer.length > this.#most) return;
    this.#held += buffer.length;
    this.#free.push(buffer);
  }
}
