import { combineCrc32, crc32 } from "@lazyimg/codecs";

/** Bytes of output that have a checksum of their own, so that what is decoded in part can be checked in part. */
export const GRAIN = 32768;

/** Stands for a CRC32 that nobody knows. The rare output that has it is not checked. */
export const UNKNOWN = 0xffffffff;

/** CRC32 of what a gzip file holds, in small parts. */
export interface Checksums {
  /** Of every 32 KiB of output; the last of what is left. */
  readonly grains: readonly number[];
  /** For every point, of the output from the last multiple of 32 KiB to the point. */
  readonly heads: readonly number[];
}

/** What is known of the output between two points. */
export interface SpanChecks {
  readonly grains: readonly number[];
  /** Of the output from the last multiple of 32 KiB to the span's start, and to its end. */
  readonly head: number;
  readonly tail: number;
}

/** Takes checksums of output that comes in pieces, from some position on. */
export class GrainSum {
  #position: number;
  /** Of the grain so far; `UNKNOWN` where some of it was not seen. */
  #crc: number;
  readonly #done: (grain: number, crc: number) => void;

  /**
   * @param head of the output from the last multiple of 32 KiB to `position`
   * @param done called at the end of every grain, with its number
   */
  constructor(position: number, head: number, done: (grain: number, crc: number) => void) {
    this.#position = position;
    this.#crc = position % GRAIN === 0 ? 0 : head;
    this.#done = done;
  }

  /** Of the output since the last multiple of 32 KiB. */
  get head(): number {
    return this.#crc;
  }

  /** How many bytes are left of this grain. */
  get room(): number {
    return GRAIN - (this.#position % GRAIN);
  }

  /** Counts the next `length` bytes, at most `room`; `crc` goes on from the CRC32 that it is given. */
  add(length: number, crc: (from: number) => number): void {
    if (this.#crc !== UNKNOWN) this.#crc = crc(this.#position % GRAIN === 0 ? 0 : this.#crc);
    this.#position += length;
    if (this.#position % GRAIN === 0) this.#end();
  }

  /** As `add`, of bytes whose CRC32 is known. */
  addKnown(length: number, crc: number): void {
    this.add(length, (from) => (from === 0 ? crc : combineCrc32(from, crc, length)));
  }

  /** Counts `length` bytes that nobody saw. */
  skip(length: number): void {
    for (let left = length; left > 0; ) {
      const step = Math.min(left, this.room);
      this.#crc = UNKNOWN;
      this.#position += step;
      left -= step;
      if (this.#position % GRAIN === 0) this.#end();
    }
  }

  /** Says that the output ended. */
  finish(): void {
    if (this.#position % GRAIN !== 0) this.#end();
  }

  #end(): void {
    this.#done(Math.ceil(this.#position / GRAIN) - 1, this.#crc);
    this.#crc = 0;
  }
}

/** Whether two checksums contradict each other. */
export function differ(a: number | undefined, b: number | undefined): boolean {
  return a !== undefined && b !== undefined && a !== UNKNOWN && b !== UNKNOWN && a !== b;
}

/** Whether `bytes` can be a span's output from `position` on (where it or a grain begins) to where it or a grain ends. */
export function agrees(bytes: Uint8Array, position: number, checks: SpanChecks): boolean {
  let right = true;
  const sum = new GrainSum(position, checks.head, (grain, crc) => {
    right &&= !differ(crc, checks.grains[grain]);
  });
  for (let at = 0; at < bytes.length && right; ) {
    const piece = bytes.subarray(at, at + sum.room);
    sum.add(piece.length, (from) => crc32(piece, from));
    at += piece.length;
  }
  return right && ((position + bytes.length) % GRAIN === 0 || !differ(sum.head, checks.tail));
}
