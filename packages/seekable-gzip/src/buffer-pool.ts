const ROUND = 1 << 18;

/** Memory for compressed bytes, used again and again: fresh memory costs time, and stays until it is collected. */
export class BufferPool {
  readonly #most: number;
  #held = 0;
  readonly #free: Uint8Array<ArrayBuffer>[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** At least `size` bytes, of any content. */
  take(size: number): Uint8Array<ArrayBuffer> {
    const at = this.#free.findIndex((buffer) => buffer.length >= size);
    if (at < 0) {
      // Too small once, they would be too small again.
      this.#free.length = 0;
      this.#held = 0;
      return new Uint8Array(Math.ceil(size / ROUND) * ROUND);
    }
    const [buffer] = this.#free.splice(at, 1);
    this.#held -= buffer!.length;
    return buffer!;
  }

  give(buffer: Uint8Array<ArrayBuffer>): void {
    if (this.#held + buffer.length > this.#most) return;
    this.#held += buffer.length;
    this.#free.push(buffer);
  }
}
