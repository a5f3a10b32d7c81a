import { SharedWork } from "@lazyimg/core/abort";
import type { HeldSpan } from "./held-span.js";
import type { Span } from "./span-decoder.js";
import type { SpanInflater } from "./span-inflater.js";

/** Bytes of spans that are kept, with what is not yet decoded of them. */
const KEPT = 3 << 20;
/** Our own decoder stops where a reader has what it wants; with more readers than this, the platform's threads are faster. */
const FEW = 2;

interface Entry {
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

  /** Whether a span is there without I/O. */
  has(span: Span): boolean {
    return this.#entries.get(span.start.offset)?.held != null;
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
    let entry = this.#entries.get(key);
    if (entry === undefined || entry.work.abandoned) entry = this.#begin(span);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.readers++;
    try {
      const held = await entry.work.join(signal);
      held.copy(from, to, target);
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

  #begin(span: Span): Entry {
    const work = new SharedWork(async (signal) => {
      const held = await this.#inflater.hold(span, this.#readers > FEW, signal);
      entry.held = held;
      this.#trim();
      return held;
    });
    const entry: Entry = { work, held: null, readers: 0 };
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
