import { LazyImageError } from "@lazyimg/core";
import type { ChunkBox } from "./blosc.js";
import {
  CHECKSUM,
  createZstdKernel,
  DICTIONARY,
  NO_FRAME,
  SLACK,
  TOO_LONG,
  TRUNCATED,
  WRONG_SIZE,
  type ZstdKernel,
} from "./zstd-kernel.js";

/** A block has at most 128 kB and takes at least 4 bytes (RFC 8878, section 3.1.1.2). */
const BLOCK_BYTES = 131_072;
const BLOCK_LEAST = 4;
/** Signed 32-bit lengths are what the kernel returns. */
const MAX_SIZE = 0x7fff_ffff;

const align = (address: number): number => (address + SLACK + 15) & ~15;

/**
 * Decodes zstd frames (RFC 8878, without dictionaries) in memory of its own, into the place where they are wanted. The
 * input is all frames of one object; skippable ones are skipped, checksums are verified.
 *
 * One after the other: a decoder is not to be shared between threads, and views of its memory end with the next call.
 */
export class ZstdDecoder {
  readonly #kernel: ZstdKernel;
  #slabSize = 0;
  #chunk: { readonly at: number; readonly size: number } | undefined;

  constructor(kernel: ZstdKernel) {
    this.#kernel = kernel;
  }

  /** Room for `size` bytes of output, kept until the next call; what was loaded is gone. */
  reserve(size: number): void {
    this.#slabSize = size;
    this.#chunk = undefined;
    this.#kernel.heap(align(this.#kernel.base + size));
  }

  /** The output area. The view ends with the next call of `load` or `decodeTo`. */
  output(): Uint8Array {
    const { base } = this.#kernel;
    return this.#kernel.heap(0).subarray(base, base + this.#slabSize);
  }

  /**
   * Decodes a chunk of exactly `size` bytes straight to byte `at` of the output area. Up to 64 bytes behind it are spoilt:
   * what comes there is to be written afterwards.
   *
   * @throws LazyImageError `ERR_CORRUPT`, `ERR_TRUNCATED`, `ERR_CHECKSUM`, or `ERR_UNSUPPORTED` for a dictionary
   */
  decodeTo(bytes: Uint8Array, size: number, at: number): void {
    if (at + size > this.#slabSize)
      throw new LazyImageError("ERR_INDEX", "A chunk reaches beyond the output");
    const { base } = this.#kernel;
    this.#exactly(bytes, size, base + at, align(base + this.#slabSize));
  }

  /**
   * Decodes the first `stop` bytes of a chunk of exactly `size`, ready for `gather`: all of it where the frame states no
   * length or has a checksum. Throws as `decodeTo`.
   */
  load(bytes: Uint8Array, size: number, stop: number = size): void {
    this.#chunk = undefined;
    const at = align(this.#kernel.base + this.#slabSize);
    this.#exactly(bytes, size, at, align(at + size), stop);
    this.#chunk = { at, size: stop };
  }

  /** Copies boxes of the loaded chunk into the output area. */
  gather(boxes: readonly ChunkBox[], elementSize: number): void {
    const { at, size } = this.#chunk!;
    const { base } = this.#kernel;
    for (const { first, counts, strides, output, outputStrides } of boxes) {
      const [n0, n1, n2] = counts;
      const [s1, s2] = strides;
      const [o1, o2] = outputStrides;
      if (
        (first + n0 + (n1 - 1) * s1 + (n2 - 1) * s2) * elementSize > size ||
        output + (n1 - 1) * o1 + (n2 - 1) * o2 + n0 * elementSize > this.#slabSize
      ) {
        throw new LazyImageError("ERR_INDEX", "A box reaches beyond its chunk or the reserved output");
      }
      this.#kernel.gather(
        at + first * elementSize,
        n0 * elementSize,
        n1,
        n2,
        s1 * elementSize,
        s2 * elementSize,
        base + output,
        o1,
        o2,
      );
    }
  }

  /**
   * All that the frames hold, at most `room` bytes, in fresh memory. The output area is gone.
   *
   * @throws as `decodeTo`
   */
  decode(bytes: Uint8Array, room: number): Uint8Array {
    this.reserve(0);
    const { base } = this.#kernel;
    const length = this.#decode(bytes, Math.min(room, mostOf(bytes.length)), base, undefined);
    return this.#kernel.heap(0).slice(base, base + length);
  }

  #exactly(bytes: Uint8Array, size: number, output: number, input: number, stop = size): void {
    if (size > mostOf(bytes.length)) {
      throw new LazyImageError("ERR_CORRUPT", `${bytes.length} bytes of zstd cannot hold ${size}`);
    }
    const length = this.#decode(bytes, size, output, input, stop);
    if (length !== size) {
      throw new LazyImageError("ERR_CORRUPT", `The zstd data decode to ${length} bytes, not ${size}`);
    }
  }

  #decode(
    bytes: Uint8Array,
    room: number,
    output: number,
    input = align(output + room),
    stop = room,
  ): number {
    if (room > MAX_SIZE || bytes.length > MAX_SIZE) {
      throw new LazyImageError(
        "ERR_LIMIT",
        `A zstd chunk of ${bytes.length} bytes for ${room}; at most ${MAX_SIZE} are decoded at once`,
      );
    }
    this.#kernel.heap(align(input + bytes.length)).set(bytes, input);
    const length = this.#kernel.decode(input, bytes.length, output, room, stop);
    if (length < 0) throw errorOf(length, bytes, room);
    return length;
  }
}

/** The most that compressed data of a length can hold. */
function mostOf(length: number): number {
  return Math.ceil(length / BLOCK_LEAST) * BLOCK_BYTES;
}

function errorOf(status: number, bytes: Uint8Array, room: number): LazyImageError {
  switch (status) {
    case NO_FRAME: {
      const found = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
      return new LazyImageError(
        "ERR_CORRUPT",
        `No zstd frame: it begins with 28 b5 2f fd; found ${found || "nothing"}`,
      );
    }
    case TRUNCATED:
      return new LazyImageError("ERR_TRUNCATED", `The zstd data end too early, after ${bytes.length} bytes`);
    case DICTIONARY:
      return new LazyImageError(
        "ERR_UNSUPPORTED",
        "A zstd frame that needs a dictionary; compress it without one",
      );
    case CHECKSUM:
      return new LazyImageError(
        "ERR_CHECKSUM",
        "The zstd data do not have the checksum that their frame states",
      );
    case TOO_LONG:
      return new LazyImageError("ERR_CORRUPT", `The zstd data decode to more than ${room} bytes`);
    case WRONG_SIZE:
      return new LazyImageError(
        "ERR_CORRUPT",
        "The zstd data do not have the length that their frame states",
      );
    default:
      return new LazyImageError("ERR_CORRUPT", "The zstd data are corrupt: nothing that a compressor writes");
  }
}

/** A decoder with memory of its own, or `null` where the platform has or allows no WebAssembly with SIMD. */
export function createZstdDecoder(): ZstdDecoder | null {
  const kernel = createZstdKernel();
  return kernel && new ZstdDecoder(kernel);
}
