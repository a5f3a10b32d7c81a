import { SharedWork } from "@lazyimg/core/abort";
import type { HeldSpan } from "./held-span.js";
import { allOf, type Part, type Span } from "./span-decoder.js";
import type { SpanInflater } from "./span-inflater.js";

/** Bytes of spans that are kept, with what is not yet decoded of them. */
const KEPT = 3 << 20;
/** Our own decoder stops where a reader has what it wants; with more readers than this, the platform's threads are faster. */
const FEW = 2;

interface Entry {
  /** From the first to the last byte that its readers want; until it is decoded, there may come more. */
  readonly wanted: { from: number; to: number };
  readonly work: SharedWork<HeldSpan>;
  held: HeldSpan | null;
  /** Readers that wait for it or copy from it. */
  readers: number;
}

/** Remembers recent spans, and shares those that several readers want. */
export class SpanCache {
  readonly #inflater: SpanInflater;
  /** By where they start, the least recently used first. */
  readonly #entries = new Map<number, Entry>();
  #readers = 0;

  constructor(inflater: SpanInflater) {
    this.#inflater = inflater;
  }

  /** Whether a part of a span is there without I/O. */
  has(span: Span, part: Part): boolean {
    return this.#entries.get(span.start.offset)?.held?.has(part) === true;
  }

  /** Forgets all. */
  clear(): void {
    for (const [key, entry] of this.#entries) this.#drop(key, entry);
  }

  /**
   * Copies uncompressed bytes `[from, to)` of a span that `isHoldable` to the beginning of `target`. The span is decoded as
   * far as that, and kept for the next reader. A reader that leaves fails no other.
   *
   * @throws LazyImageError ERR_CORRUPT, ERR_CHECKSUM or ERR_TRUNCATED where the span does not decode to what lies
   *   between its checkpoints
   */
  async part(span: Span, from: number, to: number, target: Uint8Array, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#readers++;
    const key = span.start.offset;
    const part = { from, to };
    let entry = this.#entries.get(key);
    if (entry?.held?.has(part) === false) {
      // Who comes again and again, here and there, shall not have it decoded each time.
      this.#drop(key, entry);
      entry = this.#begin(span, { ...allOf(span) });
    } else if (entry === undefined || entry.work.abandoned) entry = this.#begin(span, { ...part });
    entry.wanted.from = Math.min(entry.wanted.from, from);
    entry.wanted.to = Math.max(entry.wanted.to, to);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.readers++;
    try {
      const held = await entry.work.join(signal);
      if (held.has(part)) held.copy(part, target);
      // It was being decoded already, but not as far as this.
      else await this.part(span, from, to, target, signal);
    } catch (error) {
      // Data that fail a check fail everyone; who left fails nobody.
      if (!signal?.aborted && this.#entries.get(key) === entry) this.#entries.delete(key);
      throw error;
    } finally {
      entry.readers--;
      this.#readers--;
      this.#trim();
    }
  }

  #begin(span: Span, wanted: Entry["wanted"]): Entry {
    const work = new SharedWork(async (signal) => {
      const many = this.#readers > FEW;
      const atOnce = many || wanted.to === span.endOffset;
      const held = await this.#inflater.hold(span, many ? wanted : allOf(span), atOnce, signal);
      entry.held = held;
      this.#trim();
      return held;
    });
    const entry: Entry = { wanted, work, held: null, readers: 0 };
    return entry;
  }

  /** Forgets the least recently used spans that nobody reads, above what may be kept. */
  #trim(): void {
    let size = 0;
    for (const { held } of this.#entries.values()) size += held?.size ?? 0;
    for (const [key, entry] of this.#entries) {
      if (size <= KEPT) return;
      if (entry.held === null || entry.readers > 0) continue;
      size -= entry.held.size;
      this.#drop(key, entry);
    }
  }

  #drop(key: number, entry: Entry): void {
    this.#entries.delete(key);
    if (entry.readers === 0) entry.held?.release();
  }
}
