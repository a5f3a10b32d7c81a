import type { Memory } from "./buffer-pool.js";
import { compressedLength, type Span, SpanDecoder, sizeOf } from "./span-decoder.js";

/** What is decoded at once: little more than what is wanted. */
const STEP = 16384;

interface Rest {
  readonly decoder: SpanDecoder;
  readonly input: Memory;
  fed: number;
}

/**
 * A span in memory, decoded as far as someone wanted it, and as far on as it takes to check that; the decoder waits there
 * for the next one who does.
 */
export class HeldSpan {
  readonly #span: Span;
  readonly #memory: Memory;
  /** What is not decoded yet. */
  #rest: Rest | null = null;
  /** Up to where it is decoded and checked. */
  #verified: number;

  /** `memory` holds the decoded span, or, with its compressed bytes as `input`, is room for it. */
  constructor(span: Span, memory: Memory, input?: Memory) {
    this.#span = span;
    this.#memory = memory;
    this.#verified = input === undefined ? span.endOffset : span.start.offset;
    if (input !== undefined) this.#rest = { decoder: new SpanDecoder(span), input, fed: 0 };
  }

  /** Bytes that it takes. */
  get size(): number {
    return sizeOf(this.#span) + (this.#rest === null ? 0 : compressedLength(this.#span));
  }

  /**
   * Copies uncompressed bytes `[from, to)` to the beginning of `target`.
   *
   * @throws LazyImageError ERR_CORRUPT, ERR_CHECKSUM or ERR_TRUNCATED
   */
  copy(from: number, to: number, target: Uint8Array): void {
    while (this.#rest !== null && this.#verified < to) this.#decode(this.#rest);
    const { offset } = this.#span.start;
    target.set(this.#memory.bytes.subarray(from - offset, to - offset));
  }

  release(): void {
    this.#letGo();
    this.#memory.release();
  }

  #letGo(): void {
    this.#rest?.decoder.close();
    this.#rest?.input.release();
    this.#rest = null;
  }

  #decode(rest: Rest): void {
    const { decoder, input } = rest;
    const stop = decoder.step();
    const { output, produced } = decoder;
    this.#memory.bytes.set(output, produced - output.length - this.#span.start.offset);
    this.#verified = decoder.verified;
    if (stop === "end") this.#letGo();
    else if (stop === "input") {
      if (rest.fed === input.bytes.length) decoder.finish();
      else rest.fed += decoder.feed(input.bytes.subarray(rest.fed, rest.fed + STEP));
    }
  }
}
