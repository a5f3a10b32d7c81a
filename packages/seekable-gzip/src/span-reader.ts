import type { ByteSource } from "@lazyimg/core";
import { LazyImageError } from "@lazyimg/core";
import { SharedWork } from "@lazyimg/core/abort";
import { platformInflate } from "#platform-inflate";
import { Breather, nextTask } from "./breathe.js";
import { Budget } from "./budget.js";
import { BufferPool, type Memory } from "./buffer-pool.js";
import { agrees } from "./checksums.js";
import { HeldSpan } from "./held-span.js";
import { giveInflater, takeInflater } from "./inflater-pool.js";
import { compressedLength, firstByte, type Span, SpanDecoder, sizeOf } from "./span-decoder.js";
import { SpanStream } from "./span-stream.js";

/** Spans above this size (blocks can be that long where data compress well) are streamed, never held. */
const LARGE = 4 << 20;
/** Compressed and inflated bytes of spans that are being decoded. */
const IN_FLIGHT = 6 << 20;
/** Memory that is kept for the next span's compressed bytes, and for its output. */
const POOLED = 4 << 20;
/** Spans that are kept in memory, with what is not yet decoded of them. */
const HELD = 4 << 20;

interface Entry {
  readonly work: SharedWork<HeldSpan>;
  held: HeldSpan | null;
  /** Readers that wait for it or copy from it. */
  readers: number;
}

/** Decodes spans, several at once, and remembers recent ones. */
export class SpanReader {
  readonly #inner: ByteSource;
  readonly #budget = new Budget(IN_FLIGHT);
  /** Our own decoder has one thread: one span after another is ready sooner, with less memory, than all at last. */
  readonly #turn = new Budget(1);
  readonly #inputs = new BufferPool(POOLED);
  readonly #outputs = new BufferPool(POOLED);
  /** By where they start, the least recently used first. */
  readonly #entries = new Map<number, Entry>();
  /** Readers of parts. */
  #readers = 0;
  #beside = 0;

  constructor(inner: ByteSource) {
    this.#inner = inner;
  }

  /** Whether `span` is small enough to be held as a whole, and complete. */
  static holds(span: Span): boolean {
    return !span.open && sizeOf(span) <= LARGE && compressedLength(span) <= LARGE;
  }

  /** Whether a part of `span` is there without I/O. */
  has(span: Span): boolean {
    return this.#entries.get(span.start.offset)?.held != null;
  }

  /** Forgets what was decoded. */
  clear(): void {
    for (const [key, entry] of this.#entries) this.#drop(key, entry);
  }

  /**
   * Copies uncompressed bytes `[from, to)` of a span that `holds` to the beginning of `target`. The span is decoded as
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
    if (entry === undefined || entry.work.abandoned) {
      entry = this.#begin(span);
    }
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.readers++;
    try {
      const held = await entry.work.join(signal);
      await this.#serveOthers();
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

  /** The part `[from, to)` of a span, in pieces that are valid until the next one is asked for. */
  async *stream(span: Span, from: number, to: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const length = compressedLength(span);
    const pieces =
      length <= LARGE
        ? once(this.#inner.read(firstByte(span), length, { signal }))
        : this.#inner.stream(firstByte(span), length, { signal });
    yield* inflateSpan(span, pieces, from, to, signal);
  }

  /**
   * Decodes a whole span that `holds`, without sharing and without keeping it: for reads of many spans. The bytes come in
   * `target`, or else in memory of ours, aligned as they are in the file, to 8, so that numbers that are aligned there can
   * be taken as they are.
   */
  async whole(span: Span, signal: AbortSignal, target?: Uint8Array): Promise<Memory> {
    const release = await this.#reserve(span, signal);
    try {
      const decoded = this.#isBesideFree ? await this.#byPlatform(span, signal) : null;
      if (decoded === null) {
        const memory =
          target === undefined
            ? this.#outputs.lend(sizeOf(span), span.start.offset % 8)
            : { bytes: target, release: () => undefined };
        await this.#byKernel(span, memory.bytes, signal);
        return memory;
      }
      if (target === undefined) return decoded;
      target.set(decoded.bytes);
      decoded.release();
      return { bytes: target, release: () => undefined };
    } finally {
      release();
    }
  }

  /**
   * Whether the platform is to decode the next span. It works beside us where it has threads; one span more than those
   * take waits there, so that none of them waits for us.
   */
  get #isBesideFree(): boolean {
    if (!hasKernel()) return true;
    const threads = platformInflate?.threads ?? 0;
    return threads > 0 && this.#beside <= threads;
  }

  #reserve(span: Span, signal: AbortSignal): Promise<() => void> {
    return this.#budget.acquire(sizeOf(span) + compressedLength(span) + 65536, signal);
  }

  #begin(span: Span): Entry {
    const work = new SharedWork(async (signal) => {
      const held = await this.#load(span, signal);
      entry.held = held;
      this.#trim();
      return held;
    });
    const entry: Entry = { work, held: null, readers: 0 };
    return entry;
  }

  /** Before our own decoder holds up the event loop: lets the platform's threads have what they wait for. */
  async #serveOthers(): Promise<void> {
    if (this.#beside > 0) await nextTask();
  }

  async #load(span: Span, signal: AbortSignal): Promise<HeldSpan> {
    // Our own decoder stops where it may; when many wait for it, the platform's threads take what they can.
    const beside = !hasKernel() || (this.#readers > 2 && this.#isBesideFree);
    const release = await this.#reserve(span, signal);
    try {
      const decoded = beside ? await this.#byPlatform(span, signal) : null;
      if (decoded !== null) return new HeldSpan(span, decoded);
      return new HeldSpan(span, this.#outputs.lend(sizeOf(span)), await this.#input(span, signal));
    } finally {
      release();
    }
  }

  /** Forgets the least recently used spans that nobody reads, above what may be kept. */
  #trim(): void {
    let size = 0;
    for (const { held } of this.#entries.values()) size += held?.size ?? 0;
    for (const [key, entry] of this.#entries) {
      if (size <= HELD) return;
      if (entry.held === null || entry.readers > 0) continue;
      size -= entry.held.size;
      this.#drop(key, entry);
    }
  }

  #drop(key: number, entry: Entry): void {
    this.#entries.delete(key);
    if (entry.readers === 0) entry.held?.release();
  }

  /** The compressed bytes of a span. */
  async #input(span: Span, signal: AbortSignal): Promise<Memory> {
    const memory = this.#inputs.lend(compressedLength(span));
    await this.#fill(span, memory.bytes, signal);
    return memory;
  }

  async #fill(span: Span, into: Uint8Array, signal: AbortSignal): Promise<void> {
    const bytes = await this.#inner.read(firstByte(span), into.length, { signal, into });
    if (bytes.length < into.length) throw ended(firstByte(span) + bytes.length);
    // A source that knows no `into`.
    if (bytes.buffer !== into.buffer) into.set(bytes);
  }

  /** With our own decoder, which tells what is wrong. */
  async #byKernel(span: Span, target: Uint8Array, signal: AbortSignal): Promise<void> {
    const input = await this.#input(span, signal);
    const end = await this.#turn.acquire(1, signal);
    try {
      await this.#serveOthers();
      let at = 0;
      for await (const piece of inflateSpan(span, [input.bytes], span.start.offset, span.endOffset, signal)) {
        target.set(piece, at);
        at += piece.length;
      }
    } finally {
      end();
    }
    input.release();
  }

  /** The platform's way; `null` where that is not to be used or does not give what is expected. */
  async #byPlatform(span: Span, signal: AbortSignal): Promise<Memory | null> {
    if (platformInflate === null || !throughPlatform(span)) return null;
    const { inflate, free } = platformInflate;
    const size = sizeOf(span);
    this.#beside++;
    try {
      const stream = new SpanStream(span.start, span.end!.bit, (most) => this.#inputs.take(most));
      await this.#fill(span, stream.body, signal);
      const { history } = stream;
      let output: Uint8Array;
      try {
        output = await inflate(stream.seal(), history + size);
      } catch {
        // Corrupt, or the end of a member lies between.
        signal.throwIfAborted();
        return null;
      }
      this.#inputs.give(stream.memory);
      const release = (): void => free(output);
      // No Buffer, whose `slice` is a view, goes out of here.
      const bytes = new Uint8Array(output.buffer, output.byteOffset + history, output.length - history);
      const { start, checks } = span;
      if (!signal.aborted && bytes.length === size && (checks === null || agrees(bytes, start, checks))) {
        return { bytes, release };
      }
      release();
      signal.throwIfAborted();
      return null;
    } finally {
      this.#beside--;
    }
  }
}

/** Whether the platform's inflater can decode a span, and is the one to do it. */
function throughPlatform(span: Span): boolean {
  return span.end !== null && span.end.window !== null && usePlatform();
}

/** Node's zlib beats the kernel because it has threads; `DecompressionStream` only where WebAssembly is forbidden. */
function usePlatform(): boolean {
  return platformInflate !== null && (platformInflate.threads > 0 || !hasKernel());
}

/** Whether our own decoder is the one in WebAssembly. */
function hasKernel(): boolean {
  const inflater = takeInflater();
  giveInflater(inflater);
  return inflater.kind === "wasm";
}

/** Decodes `[from, to)` of a span with our own decoder, and verifies its end when it comes there. */
async function* inflateSpan(
  span: Span,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  from: number,
  to: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const decoder = new SpanDecoder(span);
  const breather = new Breather();
  const whole = !span.open && to === span.endOffset;
  try {
    for await (const piece of withEnd(pieces)) {
      signal?.throwIfAborted();
      if (piece === null) decoder.finish();
      for (let fed = 0; piece === null || fed < piece.length; ) {
        if (piece !== null) fed += decoder.feed(fed === 0 ? piece : piece.subarray(fed));
        for (;;) {
          const stop = decoder.step();
          const { output, produced } = decoder;
          const at = produced - output.length;
          if (produced > from && at < to && output.length > 0) {
            yield output.subarray(Math.max(0, from - at), Math.min(output.length, to - at));
            signal?.throwIfAborted();
          }
          if (stop === "end" || (!whole && produced >= to)) return;
          if (stop === "input") break;
          await breather.pause();
          signal?.throwIfAborted();
        }
      }
    }
  } finally {
    decoder.close();
  }
}

/** The pieces, then `null`. */
async function* withEnd(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array | null> {
  yield* pieces;
  yield null;
}

async function* once(bytes: Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield await bytes;
}

function ended(position: number): LazyImageError {
  return new LazyImageError(
    "ERR_TRUNCATED",
    `The gzip file ends after ${position} bytes, before what its index expects.`,
  );
}
