/** Bytes of history that a distance can reach (RFC 1951, section 2). */
export const WINDOW_SIZE = 32768;

/** What lies behind the output's end, for the last match. */
export const OUTPUT_SLOP = 512;

/** What stopped a kernel; negative is corrupt data. */
export const NEED_INPUT = 0;
export const OUTPUT_FULL = 1;
export const BLOCK = 2;
export const END = 3;
export const CORRUPT: number = -1;

/**
 * A resumable decoder of raw deflate (RFC 1951) over two fixed buffers. There are two of them, in WebAssembly and in
 * plain JavaScript, which behave alike to the bit; `Inflater` makes one comfortable to use.
 *
 * Positions are indices into `input` and `output`. Output starts at `WINDOW_SIZE`; what is before is history.
 * Symbols whose bits are not all there are not consumed.
 */
export interface InflateKernel {
  readonly kind: "wasm" | "js";
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  /** Begins a stream whose history is the last `window` bytes before the output's start. */
  reset(window: number): void;
  /** The unread input is `[at, end)`. */
  setInput(at: number, end: number): void;
  /** Begins in the middle of a byte: the first `count` bits of the next input byte belong to someone else. */
  skipBits(count: number): void;
  /** First input byte that was not looked at. */
  inputAt(): number;
  /** How many bits (at most 7) of the byte before `inputAt()` are not consumed. */
  pendingBits(): number;
  /** End of what was written to `output`. */
  outputAt(): number;
  /** Moves the last window of output before the output's start, to make room. */
  slide(): void;
  /** Decodes until something stops it; `BLOCK` is the first block that starts at or after output position `stopAt`. */
  run(stopAt: number): number;
  /** CRC-32 (RFC 1952, section 8) of output bytes `[from, to)`, going on from `crc`. */
  crc32(from: number, to: number, crc: number): number;
}
