import { combineCrc32, type Inflater, type InflateStop } from "@lazyimg/codecs";
import { LazyImageError } from "@lazyimg/core";
import { GrainSum, UNKNOWN } from "./checksums.js";
import type { GzipPoint } from "./gzip-index.js";
import { readHeader } from "./member.js";

/** What stopped `GzipDecoder.step`: as `Inflater.run`, but `end` is the end of the file. */
export type DecoderStop = InflateStop;

const HEADER = 0;
const DATA = 1;
const TRAILER = 2;
const PADDING = 3;
const DONE = 4;

/**
 * Decodes a gzip file (RFC 1952): members, one after another, each checked against its CRC32 and ISIZE; or a zlib stream
 * (RFC 1950), checked against its Adler-32.
 */
export class GzipDecoder {
  readonly inflater: Inflater;
  #state: number = HEADER;
  #first = true;
  #finished = false;
  #memberCrc = 0;
  #zlib = false;
  #adler = 1;
  #sum: GrainSum;
  readonly #onGrain: (grain: number, crc: number) => void;
  #checkedTo = 0;
  /** Where the member's output began; `null` where decoding began in its middle, and nothing can be checked. */
  #memberStart: number | null = 0;
  /** What the last BGZF block that was inflated held. */
  #blockOutput = -1;

  /** `onGrain` is called with the CRC32 of every grain of output that was passed, and its number. */
  constructor(inflater: Inflater, onGrain: (grain: number, crc: number) => void = () => undefined) {
    this.inflater = inflater;
    this.inflater.reset();
    this.#onGrain = onGrain;
    this.#sum = new GrainSum(0, 0, onGrain);
  }

  /** CRC32 of the output since the last multiple of a grain. */
  get head(): number {
    return this.#sum.head;
  }

  /** Up to where trailers have checked all output since decoding began. */
  get checkedTo(): number {
    return this.#checkedTo;
  }

  /** Whether the next output is a member's first: no window is needed to begin here. */
  get atMemberStart(): boolean {
    return this.#state === DATA && this.#memberStart === this.inflater.produced;
  }

  /** Bytes since the member began, at most what a window holds; where it began before us, a whole window. */
  get windowSize(): number {
    return this.#memberStart === null ? 32768 : Math.min(32768, this.inflater.produced - this.#memberStart);
  }

  /**
   * Begins at `point`; the first byte that is fed next is the one that its bit is in. `head` is as that above, `zlib`
   * tells what trailer there is.
   */
  seek(point: GzipPoint, head: number = UNKNOWN, zlib = false): void {
    this.#zlib = zlib;
    this.#adler = 1;
    this.#state = DATA;
    this.#first = false;
    this.#finished = false;
    this.#memberStart = point.window === null ? point.offset : null;
    this.#memberCrc = 0;
    this.#checkedTo = point.offset;
    this.#sum = new GrainSum(point.offset, head, this.#onGrain);
    this.inflater.reset(Math.floor(point.bit / 8), point.offset);
    this.#seekTo = point;
  }
  #seekTo: GzipPoint | null = null;

  /** Takes what there is room for; returns how much that was. */
  feed(bytes: Uint8Array): number {
    const count = this.inflater.feed(bytes);
    if (this.#seekTo !== null && count > 0) {
      const { bit, window } = this.#seekTo;
      this.inflater.start({ bit, window: window ?? undefined });
      this.#seekTo = null;
    }
    return count;
  }

  /** Says that there is no more input. */
  finish(): void {
    this.#finished = true;
  }

  /**
   * Goes on until something stops it. `inflater.output` is what that gave.
   *
   * @param stopAt stop at the first block or member that starts at or after this uncompressed position
   * @param wanted whether anyone wants this range; a BGZF block that nobody wants is passed without inflating it
   * @throws LazyImageError ERR_CORRUPT, ERR_CHECKSUM, ERR_TRUNCATED
   */
  step(stopAt: number, wanted?: (from: number, to: number) => boolean): DecoderStop {
    for (;;) {
      switch (this.#state) {
        case HEADER: {
          const stop = this.#header(wanted);
          if (stop !== null) return stop;
          // The header moved on, which the compiler does not see.
          if ((this.#state as number) === DATA && this.inflater.produced >= stopAt) return "block";
          break;
        }
        case DATA: {
          if (this.#seekTo !== null) return this.#needInput();
          const stop = this.inflater.run(stopAt);
          this.#count();
          if (stop === "end") {
            this.#state = TRAILER;
            return "output";
          }
          // Bytes that came are delivered before a missing one is an error.
          if (stop === "input" && this.inflater.output.length === 0) return this.#needInput();
          return stop;
        }
        case TRAILER: {
          if (this.inflater.unread.length < (this.#zlib ? 4 : 8)) return this.#needInput();
          if (this.#zlib) this.#zlibTrailer();
          else this.#trailer();
          this.#state = HEADER;
          break;
        }
        case PADDING: {
          const { unread } = this.inflater;
          if (unread.some((byte) => byte !== 0)) throw garbage(this.inflater.position);
          this.inflater.skip(unread.length);
          if (!this.#finished) return this.#needInput();
          this.#end();
          break;
        }
        default:
          this.inflater.advance(0);
          return "end";
      }
    }
  }

  #needInput(): "input" {
    if (this.#finished) {
      throw new LazyImageError(
        "ERR_TRUNCATED",
        `The gzip data end after ${this.inflater.position + this.inflater.unread.length} compressed bytes, in the middle of a member. Get the file again.`,
      );
    }
    this.inflater.advance(0);
    return "input";
  }

  #header(wanted?: (from: number, to: number) => boolean): DecoderStop | null {
    const { inflater } = this;
    const { unread } = inflater;
    if (!this.#first) {
      if (unread.length === 0) {
        if (!this.#finished) return this.#needInput();
        this.#end();
        return null;
      }
      // Padding to a block of some medium; gzip allows it too.
      if (unread[0] === 0) {
        this.#state = PADDING;
        return null;
      }
      if (unread[0] !== 0x1f || (unread.length > 1 && unread[1] !== 0x8b)) throw garbage(inflater.position);
    }
    const header = readHeader(unread);
    if (header === null) {
      if (inflater.room === 0)
        throw new LazyImageError("ERR_CORRUPT", "A gzip header is longer than 256 KiB.");
      return this.#needInput();
    }
    if (header.blockSize !== null && wanted !== undefined) {
      if (unread.length < header.blockSize) return this.#needInput();
      const size = u32(unread, header.blockSize - 4);
      // Blocks but the last are all of one size. One that differs is inflated, so that a wrong size cannot shift what follows.
      if (size === this.#blockOutput && !wanted(inflater.produced, inflater.produced + size)) {
        this.#sum.skip(size);
        inflater.skip(header.blockSize);
        inflater.advance(size);
        this.#first = false;
        return "output";
      }
    }
    inflater.skip(header.length);
    inflater.start();
    this.#blockEnd = header.blockSize === null ? null : inflater.position - header.length + header.blockSize;
    this.#first = false;
    this.#memberCrc = 0;
    this.#zlib = header.zlib;
    this.#memberStart = inflater.produced;
    this.#state = DATA;
    return null;
  }
  #blockEnd: number | null = null;

  /** Takes the checksums of the last output. */
  #count(): void {
    const { inflater } = this;
    const { length } = inflater.output;
    if (this.#zlib && this.#memberStart !== null) this.#adler = adler32(inflater.output, this.#adler);
    for (let from = 0; from < length; ) {
      const to = Math.min(length, from + this.#sum.room);
      if (this.#memberStart === null) {
        this.#sum.add(to - from, (crc) => inflater.crc32(crc, from, to));
      } else {
        const crc = inflater.crc32(0, from, to);
        this.#sum.addKnown(to - from, crc);
        this.#memberCrc = combineCrc32(this.#memberCrc, crc, to - from);
      }
      from = to;
    }
  }

  #end(): void {
    this.#sum.finish();
    this.#state = DONE;
  }

  #zlibTrailer(): void {
    const { inflater } = this;
    if (this.#memberStart !== null) {
      const [a, b, c, d] = inflater.unread;
      const stated = u32(Uint8Array.of(d!, c!, b!, a!), 0);
      if (stated !== this.#adler) {
        throw new LazyImageError(
          "ERR_CHECKSUM",
          `The inflated data have Adler-32 ${hex(this.#adler)}, but the zlib stream states ${hex(stated)}. Get the file again.`,
        );
      }
      this.#checkedTo = inflater.produced;
    }
    inflater.skip(4);
  }

  #trailer(): void {
    const { inflater } = this;
    const { unread } = inflater;
    const start = this.#memberStart;
    if (start !== null) {
      const size = inflater.produced - start;
      const statedCrc = u32(unread, 0);
      const statedSize = u32(unread, 4);
      if (statedCrc !== this.#memberCrc) {
        throw new LazyImageError(
          "ERR_CHECKSUM",
          `The inflated data have CRC32 ${hex(this.#memberCrc)}, but the gzip trailer states ${hex(statedCrc)}. Get the file again.`,
        );
      }
      // ISIZE is the length modulo 2^32 (RFC 1952, section 2.3.1).
      if (statedSize !== size % 2 ** 32) {
        throw new LazyImageError(
          "ERR_CHECKSUM",
          `The inflated data have ${size} bytes, but the gzip trailer states ${statedSize} (modulo 2^32). Get the file again.`,
        );
      }
      this.#blockOutput = this.#blockEnd === null ? -1 : size;
      if (start <= this.#checkedTo) this.#checkedTo = inflater.produced;
    }
    if (this.#blockEnd !== null && this.#blockEnd !== inflater.position + 8) {
      throw new LazyImageError(
        "ERR_CORRUPT",
        "A BGZF block does not end where its header says. Get the file again.",
      );
    }
    this.#blockEnd = null;
    inflater.skip(8);
  }
}

/** Adler-32 of `bytes` after that of what came before (RFC 1950, section 8.2); 5552 is the most that 32 bits hold. */
function adler32(bytes: Uint8Array, before: number): number {
  let a = before & 0xffff;
  let b = before >>> 16;
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 5552);
    while (at < end) {
      a += bytes[at++]!;
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return ((b << 16) | a) >>> 0;
}

function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}

function garbage(position: number): LazyImageError {
  return new LazyImageError(
    "ERR_CORRUPT",
    `Behind the gzip data, at byte ${position}, are bytes that are neither another member nor zeros.`,
  );
}
