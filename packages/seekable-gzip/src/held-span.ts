import type { Memory } from "./buffer-pool.js";
import { type Part, type Span, SpanDecoder } from "./span-decoder.js";

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
  /** From where to where it is decoded and checked. */
  readonly #from: number;
  #verified: number;

  /** `memory` is room for the span, whose compressed bytes are `input`; or holds it up to the end of a `part` that is checked. */
  constructor(span: Span, memory: Memory, from: Part | { readonly input: Memory }) {
    this.#span = span;
    this.#memory = memory;
    if ("input" in from) {
      this.#from = this.#verified = span.start.offset;
      this.#rest = { decoder: new SpanDecoder(span), input: from.input, fed: 0 };
    } else {
      this.#from = from.from;
      this.#verified = from.to;
    }
  }

  /** Bytes that it takes. */
  get size(): number {
    return this.#memory.bytes.length + (this.#rest?.input.bytes.length ?? 0);
  }

  /** Whether `copy` can give this. */
  has({ from, to }: Part): boolean {
    return from >= this.#from && (this.#rest !== null || to <= this.#verified);
  }

  /**
   * Copies uncompressed bytes that it `has` to the beginning of `target`.
   *
   * @throws LazyImageError ERR_CORRUPT, ERR_CHECKSUM or ERR_TRUNCATED
   */
  copy({ from, to }: Part, target: Uint8Array): void {
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
