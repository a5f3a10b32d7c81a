import type { ByteSource } from "@lazyimg/core";
import { LazyImageError } from "@lazyimg/core";
import { onAbort } from "@lazyimg/core/abort";
import type { Memory } from "./buffer-pool.js";
import { isDataError } from "./pass.js";
import { SpanCache } from "./span-cache.js";
import { allOf, type Span, sizeOf } from "./span-decoder.js";
import { isHoldable, SpanInflater } from "./span-inflater.js";
import { together } from "./together.js";

/** Spans that one read or stream has in flight. */
const PARALLEL = 4;

/** Reads ranges of a gzip file where there are checkpoints: of spans one after another, `[from, to)` of what they hold. */
export class SpanReader {
  readonly #inflater: SpanInflater;
  readonly #cache: SpanCache;

  constructor(inner: ByteSource) {
    this.#inflater = new SpanInflater(inner);
    this.#cache = new SpanCache(this.#inflater);
  }

  /** Whether what of a span lies in `[from, to)` is there without I/O. */
  has(span: Span, from: number, to: number): boolean {
    const [start, stop] = clip(span, from, to);
    return this.#cache.has(span, { from: start, to: stop });
  }

  /** Forgets what was decoded. */
  clear(): void {
    this.#cache.clear();
  }

  /** Fills `target`. */
  async fill(
    spans: readonly Span[],
    from: number,
    to: number,
    target: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    const next = spans.values();
    const lane = async (shared: AbortSignal | undefined): Promise<void> => {
      for (const span of next) {
        const [start, stop] = clip(span, from, to);
        const place = target.subarray(start - from, stop - from);
        // Of many spans none is worth keeping.
        if (spans.length > 2 && this.#isForOnce(span, start, stop)) {
          await this.#inflater.into(span, place, shared);
        } else if (isHoldable(span)) {
          await this.#cache.part(span, start, stop, place, shared);
        } else {
          let at = 0;
          for await (const piece of this.#inflater.stream(span, start, stop, shared)) {
            place.set(piece, at);
            at += piece.length;
          }
        }
      }
    };
    await together(
      Array.from({ length: Math.min(PARALLEL, spans.length) }, () => lane),
      signal,
    );
  }

  /** Streams, a few spans ahead of the consumer, in pieces that are valid until the next one is asked for. */
  async *stream(
    spans: readonly Span[],
    from: number,
    to: number,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    signal?.throwIfAborted();
    const left = new AbortController();
    const stay = signal && onAbort(signal, () => left.abort(signal.reason));
    const coming: Promise<Memory>[] = [];
    // What is taken whole is lent memory that is used again; what is taken in part may be wanted again.
    const begin = async (span: Span): Promise<Memory> => {
      const [start, stop] = clip(span, from, to);
      if (this.#isForOnce(span, start, stop)) return this.#inflater.whole(span, left.signal);
      const bytes = new Uint8Array((start % 8) + stop - start).subarray(start % 8);
      await this.#cache.part(span, start, stop, bytes, left.signal);
      return { bytes, release: () => undefined };
    };
    let next = 0;
    try {
      for (let i = 0; i < spans.length; i++) {
        const span = spans[i]!;
        if (!isHoldable(span)) {
          next = Math.max(next, i + 1);
          yield* this.#inflater.stream(span, ...clip(span, from, to), left.signal);
          continue;
        }
        for (next = Math.max(next, i); next < spans.length && next < i + PARALLEL; next++) {
          if (!isHoldable(spans[next]!)) break;
          coming[next] = begin(spans[next]!);
          coming[next]!.catch(() => undefined);
        }
        const { bytes, release } = await coming[i]!;
        delete coming[i];
        signal?.throwIfAborted();
        yield bytes;
        release();
      }
    } finally {
      stay?.();
      left.abort(new LazyImageError("ERR_ABORTED_BY_SOURCE", "The stream was left."));
    }
  }

  /** Whether the first or the last of `spans` is what their index says: whether the index is that of this file. */
  async confirms(spans: readonly Span[], signal?: AbortSignal): Promise<boolean> {
    const all = spans.filter(isHoldable);
    for (const span of all.length > 1 ? [all[0]!, all[all.length - 1]!] : []) {
      try {
        (await this.#inflater.whole(span, signal)).release();
        return true;
      } catch (problem) {
        if (!isDataError(problem)) throw problem;
      }
    }
    return false;
  }

  #isForOnce(span: Span, start: number, stop: number): boolean {
    return stop - start === sizeOf(span) && isHoldable(span) && !this.#cache.has(span, allOf(span));
  }
}

/** What of a span lies in `[from, to)`. */
function clip({ start, endOffset }: Span, from: number, to: number): [start: number, stop: number] {
  return [Math.max(from, start.offset), Math.min(to, endOffset)];
}
