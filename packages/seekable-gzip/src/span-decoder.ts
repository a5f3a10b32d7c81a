import { LazyImageError } from "@lazyimg/core";
import { differ, GRAIN, type SpanChecks, UNKNOWN } from "./checksums.js";
import { GzipDecoder } from "./decoder.js";
import type { GzipPoint } from "./gzip-index.js";
import { giveInflater, takeInflater } from "./inflater-pool.js";

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
  /** Whether it is of a zlib stream, with a zlib trailer. */
  readonly zlib: boolean;
  /** Checksums of its output, where they are known. */
  readonly checks: SpanChecks | null;
}

/** Compressed byte that a span's first bit is in. */
export function firstByte({ start }: Span): number {
  return Math.floor(start.bit / 8);
}

/** Compressed bytes that hold a span. */
export function compressedLength(span: Span): number {
  const end = span.end === null ? span.compressedEnd : Math.ceil(span.end.bit / 8);
  return end - firstByte(span);
}

/** Uncompressed bytes of a span. */
export function sizeOf({ start, endOffset }: Span): number {
  return endOffset - start.offset;
}

/** Uncompressed positions of a span, `[from, to)`. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/** All of a span. */
export function allOf({ start, endOffset }: Span): Part {
  return { from: start.offset, to: endOffset };
}

/** The least part around another that checksums are known of, in whole grains as far as these lie in the span; or all of it. */
export function checkedPart(span: Span, { from, to }: Part): Part {
  const { start, endOffset, checks } = span;
  if (checks === null) return allOf(span);
  const first = Math.floor(from / GRAIN);
  const part = {
    from: Math.max(start.offset, first * GRAIN),
    to: Math.min(endOffset, Math.ceil(to / GRAIN) * GRAIN),
  };
  const isKnown = (crc: number | undefined): boolean => crc !== undefined && crc !== UNKNOWN;
  let known =
    (part.from % GRAIN === 0 || isKnown(checks.head)) && (part.to % GRAIN === 0 || isKnown(checks.tail));
  for (let grain = first; (grain + 1) * GRAIN <= part.to; grain++) known &&= isKnown(checks.grains[grain]);
  return known ? part : allOf(span);
}

/** Decodes one span with our own decoder, step by step, and verifies its end when it comes there. */
export class SpanDecoder {
  readonly #span: Span;
  readonly #decoder: GzipDecoder;
  // The last span goes on to the end of the file, with its trailer.
  readonly #stopAt: number;
  #grainsTo: number;
  #contradicted = false;
  #ended = false;
  #closed = false;

  constructor(span: Span) {
    this.#span = span;
    const { checks } = span;
    this.#grainsTo = span.start.offset;
    this.#decoder = new GzipDecoder(takeInflater(), (grain, crc) => {
      const expected = checks?.grains[grain];
      if (differ(crc, expected)) this.#contradicted = true;
      // A grain that could not be checked leaves a gap, and so do all behind it.
      const checked = expected !== undefined && expected !== UNKNOWN && crc !== UNKNOWN;
      if (checked && grain * GRAIN <= this.#grainsTo) this.#grainsTo = (grain + 1) * GRAIN;
    });
    this.#decoder.seek(span.start, checks?.head, span.zlib);
    this.#stopAt = span.end === null ? Number.POSITIVE_INFINITY : span.endOffset;
  }

  /** What the last step gave. Valid until the next one. */
  get output(): Uint8Array {
    return this.#decoder.inflater.output;
  }

  /** Uncompressed position behind `output`. */
  get produced(): number {
    return this.#decoder.inflater.produced;
  }

  /** Up to where the output is what it must be, by its checksums, a member's trailer, or the span's end. */
  get verified(): number {
    if (this.#ended) return this.#span.endOffset;
    return Math.max(this.#grainsTo, this.#decoder.checkedTo);
  }

  /** Takes what there is room for; returns how much that was. */
  feed(bytes: Uint8Array): number {
    return this.#decoder.feed(bytes);
  }

  /** Says that there is no more input. */
  finish(): void {
    this.#decoder.finish();
  }

  /**
   * Goes on until there is some output, more input is needed, or the span ended as it must.
   *
   * @throws LazyImageError ERR_CORRUPT, ERR_CHECKSUM or ERR_TRUNCATED where it does not decode to what the index expects
   */
  step(): "input" | "output" | "end" {
    const span = this.#span;
    const stop = this.#decoder.step(this.#stopAt);
    const { produced, bit, output } = this.#decoder.inflater;
    if (this.#contradicted) throw wrongChecksum(span);
    if (produced > span.endOffset && !span.open) throw mismatch(span);
    if (stop === "block" || stop === "end") {
      if (produced !== span.endOffset || (span.end !== null && bit > span.end.bit)) throw mismatch(span);
      if (stop === "block" && differ(this.#decoder.head, span.checks?.tail)) throw wrongChecksum(span);
      this.#ended = true;
      return "end";
    }
    return stop === "input" && output.length === 0 ? "input" : "output";
  }

  /** Lets go of the decoder. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    giveInflater(this.#decoder.inflater);
  }
}

function mismatch(span: Span): LazyImageError {
  return new LazyImageError(
    "ERR_CORRUPT",
    `The gzip data from byte ${firstByte(span)} do not inflate to the ${sizeOf(span)} bytes that the index expects there. The file changed or the index belongs to another one.`,
  );
}

function wrongChecksum(span: Span): LazyImageError {
  return new LazyImageError(
    "ERR_CHECKSUM",
    `What the gzip data from byte ${firstByte(span)} inflate to does not have the CRC32 that it had when the index was made. The file changed.`,
  );
}
