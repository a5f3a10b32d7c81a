import { crc32 } from "@lazyimg/codecs";
import type { ByteSource } from "@lazyimg/core";
import { LazyImageError, SharedWork } from "@lazyimg/core";
import { platformInflate } from "#platform-inflate";
import { Breather } from "./breathe.js";
import { Budget } from "./budget.js";
import { BufferPool } from "./buffer-pool.js";
import { GzipDecoder } from "./decoder.js";
import type { GzipPoint } from "./gzip-index.js";
import { giveInflater, takeInflater } from "./inflater-pool.js";
import { SpanStream } from "./span-stream.js";

/** The stretch of a file from one checkpoint to the next. */
export interface Span {
  readonly start: GzipPoint;
  /** The next checkpoint; `null` for the last span. */
  readonly end: GzipPoint | null;
  /** Uncompressed end. */
  readonly endOffset: number;
  /** Compressed end in bytes (of the file, for the last span). */
  readonly compressedEnd: number;
  /** Whether this ends where a pass has come to, in the middle of a block, and its end can't be verified. */
  readonly open: boolean;
  /** CRC32 of its output, where that is known. */
  readonly crc: number | null;
}

/** Spans above this size (blocks can be that long where data compress well) are streamed, never held. */
const LARGE = 4 << 20;
/** Compressed and inflated bytes of spans that are being decoded. */
const IN_FLIGHT = 8 << 20;
/** Memory for compressed bytes that is kept for the next span. */
const POOLED = 3 << 20;
/** Inflated spans that are kept. */
const CACHED = 4 << 20;

/** Bytes in memory that is used again or freed after `release`. */
export interface Lent {
  readonly bytes: Uint8Array;
  release(): void;
}

/** Decodes spans, several at once, and remembers recent ones. */
export class SpanReader {
  readonly #inner: ByteSource;
  readonly #budget = new Budget(IN_FLIGHT);
  /** Our own decoder has one thread: one span after another is ready sooner, with less memory, than all at last. */
  readonly #turn = new Budget(1);
  readonly #cache = new Map<string, Uint8Array>();
  #cached = 0;
  readonly #pool = new BufferPool(POOLED);
  readonly #decoding = new Map<string, SharedWork<Uint8Array>>();

  constructor(inner: ByteSource) {
    this.#inner = inner;
  }

  /** Whether `span` is small enough to be held as a whole, and complete. */
  static holds(span: Span): boolean {
    return !span.open && span.endOffset - span.start.offset <= LARGE && compressedLength(span) <= LARGE;
  }

  /** Whether `get` would answer without I/O. */
  has(span: Span): boolean {
    return this.#cache.has(keyOf(span));
  }

  /** Forgets what was decoded. */
  clear(): void {
    this.#cache.clear();
    this.#cached = 0;
  }

  /**
   * All bytes of a span that `holds`. Shared: not the caller's to change. A reader that leaves fails no other.
   *
   * @throws LazyImageError ERR_CORRUPT, ERR_CHECKSUM or ERR_TRUNCATED where the span does not decode to what lies
   *   between its checkpoints
   */
  async get(span: Span, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted();
    const key = keyOf(span);
    const known = this.#cache.get(key);
    if (known !== undefined) {
      this.#cache.delete(key);
      this.#cache.set(key, known);
      return known;
    }
    let work = this.#decoding.get(key);
    if (work === undefined || work.abandoned) {
      const mine = new SharedWork(async (shared) => {
        try {
          const bytes = await this.#decode(span, shared);
          this.#remember(key, bytes);
          return bytes;
        } finally {
          if (this.#decoding.get(key) === mine) this.#decoding.delete(key);
        }
      });
      work = mine;
      this.#decoding.set(key, work);
    }
    return work.join(signal);
  }

  /** The part `[from, to)` of a span, in pieces that are valid until the next one is asked for. */
  async *stream(span: Span, from: number, to: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const first = Math.floor(span.start.bit / 8);
    const length = compressedLength(span);
    const pieces =
      length <= LARGE
        ? once(this.#inner.read(first, length, { signal }))
        : this.#inner.stream(first, length, { signal });
    yield* inflateSpan(span, pieces, from, to, signal);
  }

  /**
   * Decodes a whole span that `holds` into `target`, without sharing and without keeping it: for reads of many spans.
   * `beside` says to have the platform do it where it has threads.
   */
  async into(span: Span, target: Uint8Array, beside: boolean, signal: AbortSignal): Promise<void> {
    const size = span.endOffset - span.start.offset;
    const length = compressedLength(span);
    const release = await this.#budget.acquire(size + length + 65536, signal);
    try {
      const lent = beside ? await this.#byPlatform(span, signal) : null;
      if (lent === null) await this.#byKernel(span, target, signal);
      else target.set(lent.bytes);
      lent?.release();
    } finally {
      release();
    }
  }

  /**
   * Decodes a whole span that `holds`, without sharing and without keeping it. In memory the bytes are aligned as they
   * are in the file, to 8, so that numbers that are aligned there can be taken as they are.
   */
  async lend(span: Span, signal: AbortSignal): Promise<Lent> {
    const size = span.endOffset - span.start.offset;
    const release = await this.#budget.acquire(size + compressedLength(span) + 65536, signal);
    try {
      const lent = await this.#byPlatform(span, signal);
      if (lent !== null) return lent;
      const memory = this.#pool.take(size + 8);
      const skip = span.start.offset % 8;
      const bytes = memory.subarray(skip, skip + size);
      await this.#byKernel(span, bytes, signal);
      return { bytes, release: () => this.#pool.give(memory) };
    } finally {
      release();
    }
  }

  /** With our own decoder, which tells what is wrong. */
  async #byKernel(span: Span, target: Uint8Array, signal: AbortSignal): Promise<void> {
    const first = Math.floor(span.start.bit / 8);
    const length = compressedLength(span);
    const memory = this.#pool.take(length);
    const bytes = await this.#inner.read(first, length, { signal, into: memory });
    if (bytes.length < length) throw ended(first + bytes.length);
    const end = await this.#turn.acquire(1, signal);
    try {
      let at = 0;
      for await (const piece of inflateSpan(span, [bytes], span.start.offset, span.endOffset, signal)) {
        target.set(piece, at);
        at += piece.length;
      }
    } finally {
      end();
    }
    this.#pool.give(memory);
  }

  /** The platform's way; `null` where that is not to be used or does not give what is expected. */
  async #byPlatform(span: Span, signal: AbortSignal): Promise<Lent | null> {
    if (platformInflate === null || !throughPlatform(span)) return null;
    const { inflate, free } = platformInflate;
    const size = span.endOffset - span.start.offset;
    const length = compressedLength(span);
    const first = Math.floor(span.start.bit / 8);
    const stream = new SpanStream(span.start, span.end!.bit, (most) => this.#pool.take(most));
    const read = await this.#inner.read(first, length, { signal, into: stream.body });
    if (read.length < length) throw ended(first + read.length);
    const { history } = stream;
    let output: Uint8Array;
    try {
      output = await inflate(stream.seal(), history + size);
    } catch {
      // Corrupt, or the end of a member lies between.
      signal.throwIfAborted();
      return null;
    }
    this.#pool.give(stream.memory);
    const release = (): void => free(output);
    const bytes = output.subarray(history);
    if (!signal.aborted && bytes.length === size && (span.crc === null || crc32(bytes) === span.crc)) {
      return { bytes, release };
    }
    release();
    signal.throwIfAborted();
    return null;
  }

  /** In memory that stays. */
  async #decode(span: Span, signal: AbortSignal): Promise<Uint8Array> {
    const size = span.endOffset - span.start.offset;
    const release = await this.#budget.acquire(size + compressedLength(span) + 65536, signal);
    try {
      const lent = await this.#byPlatform(span, signal);
      if (lent !== null) return lent.bytes;
      const bytes = new Uint8Array(size);
      await this.#byKernel(span, bytes, signal);
      return bytes;
    } finally {
      release();
    }
  }

  #remember(key: string, bytes: Uint8Array): void {
    if (bytes.length > CACHED) return;
    this.#cache.set(key, bytes);
    this.#cached += bytes.length;
    for (const [oldest, { length }] of this.#cache) {
      if (this.#cached <= CACHED) break;
      this.#cache.delete(oldest);
      this.#cached -= length;
    }
  }
}

/** Whether the platform's inflater can decode a span, and is the one to do it. */
function throughPlatform(span: Span): boolean {
  return span.end !== null && span.end.window !== null && platformInflate !== null && usePlatform();
}

/** Node's zlib beats the kernel because it has threads; `DecompressionStream` only where WebAssembly is forbidden. */
function usePlatform(): boolean {
  if (platformInflate !== null && platformInflate.threads > 0) return true;
  const inflater = takeInflater();
  giveInflater(inflater);
  return inflater.kind === "js";
}

/** Decodes `[from, to)` of a span with our own decoder, and verifies its end when it comes there. */
async function* inflateSpan(
  span: Span,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  from: number,
  to: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const inflater = takeInflater();
  const breather = new Breather();
  const decoder = new GzipDecoder(inflater);
  const whole = !span.open && to === span.endOffset;
  // The last span goes on to the end of the file, with its trailer.
  const stopAt = span.end === null ? Number.POSITIVE_INFINITY : span.endOffset;
  try {
    decoder.seek(span.start);
    for await (const piece of withEnd(pieces)) {
      signal?.throwIfAborted();
      if (piece === null) decoder.finish();
      for (let fed = 0; piece === null || fed < piece.length; ) {
        if (piece !== null) fed += decoder.feed(fed === 0 ? piece : piece.subarray(fed));
        for (;;) {
          const stop = decoder.step(stopAt);
          const { output, produced } = inflater;
          if (produced > span.endOffset && !span.open) throw mismatch(span);
          const at = produced - output.length;
          if (produced > from && at < to && output.length > 0) {
            yield output.subarray(Math.max(0, from - at), Math.min(output.length, to - at));
            signal?.throwIfAborted();
          }
          if (!whole && produced >= to) return;
          if (stop === "block" || stop === "end") {
            if (produced !== span.endOffset || (span.end !== null && inflater.bit > span.end.bit))
              throw mismatch(span);
            if (span.crc !== null && decoder.mark() !== span.crc) throw wrongChecksum(span);
            return;
          }
          if (stop === "input" && output.length === 0) break;
          await breather.pause();
          signal?.throwIfAborted();
        }
        if (piece === null) break;
      }
    }
    throw mismatch(span);
  } finally {
    giveInflater(inflater);
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

function compressedLength(span: Span): number {
  const end = span.end === null ? span.compressedEnd : Math.ceil(span.end.bit / 8);
  return end - Math.floor(span.start.bit / 8);
}

function keyOf(span: Span): string {
  return `${span.start.offset}-${span.endOffset}`;
}

function mismatch(span: Span): LazyImageError {
  return new LazyImageError(
    "ERR_CORRUPT",
    `The gzip data from byte ${Math.floor(span.start.bit / 8)} do not inflate to the ${span.endOffset - span.start.offset} bytes that the index expects there. The file changed or the index belongs to another one.`,
  );
}

function wrongChecksum(span: Span): LazyImageError {
  return new LazyImageError(
    "ERR_CHECKSUM",
    `What the gzip data from byte ${Math.floor(span.start.bit / 8)} inflate to does not have the CRC32 that it had when the index was made. The file changed.`,
  );
}

function ended(position: number): LazyImageError {
  return new LazyImageError(
    "ERR_TRUNCATED",
    `The gzip file ends after ${position} bytes, before what its index expects.`,
  );
}
