import type { ByteSource } from "@lazyimg/core";
import { LazyImageError } from "@lazyimg/core";
import { Budget } from "@lazyimg/core/budget";
import { platformInflate } from "#platform-inflate";
import { Breather } from "./breathe.js";
import { BufferPool, type Memory } from "./buffer-pool.js";
import { agrees } from "./checksums.js";
import { HeldSpan } from "./held-span.js";
import { hasKernel } from "./inflater-pool.js";
import { isFar } from "./pass.js";
import {
  allOf,
  checkedPart,
  compressedLength,
  firstByte,
  type Part,
  type Span,
  SpanDecoder,
  sizeOf,
} from "./span-decoder.js";
import { SpanStream } from "./span-stream.js";

/** Spans above this size (blocks can be that long where data compress well) are streamed, never held. */
const LARGE = 4 << 20;
/** Inflated bytes of spans that are being decoded. */
const DECODING = 3 << 20;
/** Compressed bytes that are fetched or being decoded: more from a server, which takes its time whatever it is asked for. */
const FETCHING = 2 << 20;
const FETCHING_FAR = 6 << 20;
/** Memory that is kept for the next span's compressed bytes, and for its output. */
const POOLED = 2 << 20;

/** Whether `span` is small enough to be held as a whole, and complete. */
export function isHoldable(span: Span): boolean {
  return !span.open && sizeOf(span) <= LARGE && compressedLength(span) <= LARGE;
}

/**
 * Fetches and decodes spans, several at once, in bounded memory. There are two ways:
 *
 * - our own decoder, in the thread that calls, which may stop where a reader has what it wants;
 * - the platform's inflater, which decodes a span whole (`SpanStream`): in Node beside JavaScript in several threads, in
 *   browsers faster than our decoder where that can't be WebAssembly.
 *
 * Either rejects with ERR_CORRUPT, ERR_CHECKSUM or ERR_TRUNCATED where a span does not decode to what lies between its
 * checkpoints.
 */
export class SpanInflater {
  readonly #inner: ByteSource;
  readonly #fetching: Budget;
  readonly #decoding = new Budget(DECODING);
  /** Our own decoder has one thread: one span after another is ready sooner, with less memory, than all at last. */
  readonly #turn = new Budget(1);
  readonly #inputs = new BufferPool(POOLED);
  readonly #outputs = new BufferPool(POOLED);

  constructor(inner: ByteSource) {
    this.#inner = inner;
    this.#fetching = new Budget(isFar(inner) ? FETCHING_FAR : FETCHING);
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
   * Decodes a whole span that `isHoldable`. In memory the bytes are aligned as they are in the file, to 8, so that numbers
   * that are aligned there can be taken as they are.
   */
  async whole(span: Span, signal: AbortSignal | undefined): Promise<Memory> {
    const decoded = await this.#byPlatform(span, allOf(span), signal);
    if (decoded !== null) return decoded.memory;
    return this.#byKernel(span, signal, async (input) => {
      const memory = this.#outputs.lend(sizeOf(span), span.start.offset % 8);
      await this.#decode(span, input, memory.bytes, signal);
      return memory;
    });
  }

  /** Decodes a whole span that `isHoldable` into `target`. */
  async into(span: Span, target: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const decoded = await this.#byPlatform(span, allOf(span), signal);
    if (decoded === null)
      return this.#byKernel(span, signal, (input) => this.#decode(span, input, target, signal));
    target.set(decoded.memory.bytes);
    decoded.memory.release();
  }

  /**
   * Fetches a span that `isHoldable`, to be decoded as far as someone wants it; or, with `atOnce`, decodes the part that is
   * `wanted` by then, where the platform does that.
   */
  async hold(span: Span, wanted: Part, atOnce: boolean, signal: AbortSignal): Promise<HeldSpan> {
    const decoded = atOnce || !hasKernel() ? await this.#byPlatform(span, wanted, signal) : null;
    if (decoded !== null) return new HeldSpan(span, decoded.memory, decoded.part);
    return this.#byKernel(
      span,
      signal,
      async (input) => new HeldSpan(span, this.#outputs.lend(sizeOf(span)), { input }),
    );
  }

  /** Fetches a span, and has it decoded when that has its turn, both in bounded memory. */
  async #work<Input, Result>(
    span: Span,
    signal: AbortSignal | undefined,
    fetch: () => Promise<Input>,
    decode: (input: Input) => Promise<Result>,
  ): Promise<Result> {
    const fetched = await this.#fetching.acquire(compressedLength(span) + 65536, signal);
    try {
      const input = await fetch();
      const decoded = await this.#decoding.acquire(sizeOf(span), signal);
      try {
        return await decode(input);
      } finally {
        decoded();
      }
    } finally {
      fetched();
    }
  }

  /** With our own decoder, which tells what is wrong. */
  #byKernel<Result>(
    span: Span,
    signal: AbortSignal | undefined,
    decode: (input: Memory) => Promise<Result>,
  ): Promise<Result> {
    return this.#work(span, signal, () => this.#input(span, signal), decode);
  }

  /** The compressed bytes of a span. */
  async #input(span: Span, signal: AbortSignal | undefined): Promise<Memory> {
    const memory = this.#inputs.lend(compressedLength(span));
    await this.#fill(span, memory.bytes, signal);
    return memory;
  }

  async #fill(span: Span, into: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const bytes = await this.#inner.read(firstByte(span), into.length, { signal, into });
    if (bytes.length < into.length) throw ended(firstByte(span) + bytes.length);
    // A source that knows no `into`.
    if (bytes.buffer !== into.buffer) into.set(bytes);
  }

  async #decode(
    span: Span,
    input: Memory,
    target: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const end = await this.#turn.acquire(1, signal);
    try {
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

  /**
   * The platform's way: a span from its start to the end of a part, which is `wanted` or more, and checked; `null` where
   * that is not to be used or does not give what is expected.
   */
  async #byPlatform(
    span: Span,
    wanted: Part,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly memory: Memory; readonly part: Part } | null> {
    // A stretch ends with a block: a member's trailer can't be in it.
    if (platformInflate === null || span.end === null || span.end.window === null) return null;
    const { threaded } = platformInflate;
    if (!threaded && hasKernel()) return null;
    const { bit } = span.end;
    const fetch = async (): Promise<SpanStream> => {
      const stream = new SpanStream(span.start, bit, (most) => this.#inputs.take(most));
      await this.#fill(span, stream.body, signal);
      return stream;
    };
    return this.#work(span, signal, fetch, (stream) => this.#inflated(span, wanted, stream, signal));
  }

  async #inflated(
    span: Span,
    wanted: Part,
    stream: SpanStream,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly memory: Memory; readonly part: Part } | null> {
    const { inflate, free } = platformInflate!;
    const { history } = stream;
    const { start, endOffset, checks } = span;
    const part = checkedPart(span, wanted);
    const size = part.to - start.offset;
    let output: Uint8Array;
    try {
      // One byte more than there is behind the end: what ends there is then seen to.
      output = await inflate(stream.seal(), history + size + (part.to === endOffset ? 1 : 0));
    } catch {
      // Corrupt, or the end of a member lies between: our own decoder will tell.
      signal?.throwIfAborted();
      return null;
    }
    this.#inputs.give(stream.memory);
    const release = (): void => free(output);
    // No Buffer, whose `slice` is a view, goes out of here.
    const bytes = new Uint8Array(output.buffer, output.byteOffset + history, output.length - history);
    const isRight = (): boolean =>
      bytes.length === size &&
      (checks === null || agrees(bytes.subarray(part.from - start.offset), part.from, checks));
    if (!signal?.aborted && isRight()) return { memory: { bytes, release }, part };
    release();
    signal?.throwIfAborted();
    return null;
  }
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
