import { LazyImageError } from "@lazyimg/core";
import { nativeCrc32 } from "#crc32";
import { createJsKernel } from "./inflate-js.js";
import type { InflateKernel } from "./inflate-kernel.js";
import { BLOCK, CORRUPT, NEED_INPUT, OUTPUT_FULL, OUTPUT_SLOP, WINDOW_SIZE } from "./inflate-kernel.js";
import { createWasmKernel } from "./inflate-wasm.js";

/** What stopped `Inflater.run`. */
export type InflateStop =
  /** More input is needed: `feed` some, or the data end too early. */
  | "input"
  /** The output buffer was full; `run` again. */
  | "output"
  /** The next block starts here, at or after the position asked for: a place to begin again. */
  | "block"
  /** The stream is complete. Input behind it is unread. */
  | "end";

/** Where a deflate stream begins, or begins again. */
export interface InflateStart {
  /** The last bytes of output before it, at most 32768 of them; empty at a stream's own beginning. */
  readonly window?: Uint8Array | undefined;
  /** The compressed position in bits; the first unread byte of input is the one that this bit is in. */
  readonly bit?: number | undefined;
}

const EMPTY = new Uint8Array(0);

/**
 * Inflates raw deflate streams (RFC 1951) from input that comes in pieces, one after another out of the same input, so
 * that a container's headers and trailers (gzip's members) can be taken from between them.
 *
 * Memory is fixed (0.6 MB). Positions are JavaScript numbers: exact up to 2^53 bits of input, a petabyte.
 */
export class Inflater {
  readonly #kernel: InflateKernel;
  /** Compressed position of the input buffer's first byte. */
  #base = 0;
  #end = 0;
  /** Uncompressed position of the output's start. */
  #outputBase = 0;
  #from = WINDOW_SIZE;
  #to = WINDOW_SIZE;
  /** Where what `recent` shows begins. */
  #keptFrom = WINDOW_SIZE;

  /** Uses the WebAssembly kernel where the platform allows one; `kernel` says which one instead. */
  constructor(kernel?: InflateKernel) {
    this.#kernel = kernel ?? createWasmKernel() ?? createJsKernel();
  }

  /** Which of the two decoders this is. */
  get kind(): "wasm" | "js" {
    return this.#kernel.kind;
  }

  /** Compressed bytes consumed, counting a byte of which any bit was. */
  get position(): number {
    return this.#base + this.#kernel.inputAt();
  }

  /** The position in bits of the first bit that was not consumed. */
  get bit(): number {
    return this.position * 8 - this.#kernel.pendingBits();
  }

  /** Uncompressed bytes produced, counted from where `reset` said. */
  get produced(): number {
    return this.#outputBase + this.#to;
  }

  /** Input that was fed and not consumed. Valid until the next call. */
  get unread(): Uint8Array {
    return this.#kernel.input.subarray(this.#kernel.inputAt(), this.#end);
  }

  /** How much more `feed` would take. */
  get room(): number {
    return this.#kernel.input.length - (this.#end - this.#kernel.inputAt());
  }

  /** The output of the last `run`. Valid until the next call; not the caller's to change. */
  get output(): Uint8Array {
    return this.#kernel.output.subarray(this.#from, this.#to);
  }

  /**
   * All output that is still in memory, ending at `produced`: what a late reader can have for a copy. Valid until the
   * next call; not the caller's to change.
   */
  get recent(): Uint8Array {
    return this.#kernel.output.subarray(this.#keptFrom, this.#to);
  }

  /** A copy of the last bytes of output, at most a window (32768 bytes) of them: with `bit`, what `start` wants. */
  window(size: number = WINDOW_SIZE): Uint8Array {
    return this.#kernel.output.slice(this.#to - size, this.#to);
  }

  /** CRC-32 of bytes `[from, to)` of `output`, going on from `crc` (0 at first). */
  crc32(crc: number, from = 0, to: number = this.#to - this.#from): number {
    const [first, end] = [this.#from + from, this.#from + to];
    return (
      nativeCrc32?.(this.#kernel.output.subarray(first, end), crc) ?? this.#kernel.crc32(first, end, crc)
    );
  }

  /** Forgets all input; what is fed next is at compressed position `position`, what is produced next at `produced`. */
  reset(position = 0, produced = 0): void {
    this.#kernel.reset(0);
    this.#kernel.setInput(0, 0);
    this.#base = position;
    this.#end = 0;
    this.#from = WINDOW_SIZE;
    this.#to = WINDOW_SIZE;
    this.#keptFrom = WINDOW_SIZE;
    this.#outputBase = produced - WINDOW_SIZE;
  }

  /** Copies input from `bytes`; returns how many bytes there was room for. */
  feed(bytes: Uint8Array): number {
    const { input } = this.#kernel;
    const at = this.#kernel.inputAt();
    if (at > 0 && input.length - this.#end < bytes.length) {
      input.copyWithin(0, at, this.#end);
      this.#base += at;
      this.#end -= at;
      this.#kernel.setInput(0, this.#end);
    }
    const count = Math.min(bytes.length, input.length - this.#end);
    input.set(count === bytes.length ? bytes : bytes.subarray(0, count), this.#end);
    this.#end += count;
    this.#kernel.setInput(this.#kernel.inputAt(), this.#end);
    return count;
  }

  /** Consumes `count` bytes of input that are no deflate data. */
  skip(count: number): void {
    this.#kernel.setInput(this.#kernel.inputAt() + count, this.#end);
  }

  /** Counts `count` bytes of output that were not inflated, behind the end of a stream; `output` is empty after it. */
  advance(count: number): void {
    this.#outputBase += count;
    this.#from = this.#to;
    if (count > 0) this.#keptFrom = this.#to;
  }

  /** Begins a stream at the unread input; with `bit`, at that bit of its first byte. */
  start({ window = EMPTY, bit = 0 }: InflateStart = {}): void {
    const produced = this.produced;
    this.#kernel.reset(window.length);
    this.#kernel.output.set(window, WINDOW_SIZE - window.length);
    this.#from = WINDOW_SIZE;
    this.#to = WINDOW_SIZE;
    this.#keptFrom = WINDOW_SIZE;
    this.#outputBase = produced - WINDOW_SIZE;
    if (bit % 8 !== 0) this.#kernel.skipBits(bit % 8);
  }

  /**
   * Inflates until something stops it. The output is in `output`.
   *
   * @param stopAt stop at the first block that starts at or after this uncompressed position
   * @throws LazyImageError ERR_CORRUPT where the data are no deflate stream
   */
  run(stopAt: number = Number.POSITIVE_INFINITY): InflateStop {
    const kernel = this.#kernel;
    if (this.#to >= kernel.output.length - OUTPUT_SLOP) {
      kernel.slide();
      this.#keptFrom = Math.max(0, this.#keptFrom - (this.#to - WINDOW_SIZE));
      this.#outputBase += this.#to - WINDOW_SIZE;
      this.#to = WINDOW_SIZE;
    }
    this.#from = this.#to;
    const result = kernel.run(Math.max(0, Math.min(0x7fffffff, stopAt - this.#outputBase)));
    this.#to = kernel.outputAt();
    if (result === NEED_INPUT) return "input";
    if (result === OUTPUT_FULL) return "output";
    if (result === BLOCK) return "block";
    if (result === CORRUPT) {
      throw new LazyImageError(
        "ERR_CORRUPT",
        `The deflate data are corrupt near compressed byte ${this.position}: no stream that a compressor writes. Get the file again.`,
      );
    }
    return "end";
  }
}
