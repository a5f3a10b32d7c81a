import { LazyImageError } from "@lazyimg/core";
import { plainBloscKernel } from "./blosc-plain.js";
import { bloscModule } from "./generated/blosc-module.js";

/** Bytes that must be free behind every area that a kernel touches: copies move 16 bytes at a time and may overrun. */
export const SLACK = 64;

/**
 * The inner loops of blosc over one linear memory; addresses and lengths in bytes. Nothing is checked here except what a
 * compressed stream itself says: whoever calls has checked the rest.
 */
export interface BloscKernel {
  /** Where free memory begins. */
  readonly base: number;
  /** The whole memory, at least `size` bytes of it; a view from before is invalid afterwards. */
  heap(size: number): Uint8Array;
  /** Decodes an LZ4 block until `stop` bytes are there; returns how many were written, or a negative number. */
  lz4Decode(input: number, length: number, output: number, room: number, stop: number): number;
  /** Encodes an LZ4 block; returns its length, or 0 where it does not fit `room`. */
  lz4Encode(input: number, length: number, output: number, room: number): number;
  unshuffle(input: number, output: number, length: number, size: number): void;
  shuffle(input: number, output: number, length: number, size: number): void;
  /** Undoes the bit shuffle; the number of elements is a multiple of 8. */
  bitUnshuffle(input: number, output: number, length: number, size: number): void;
  /** Copies a box of elements out of the blocks of one chunk; see assembly/blosc.ts. */
  gather(
    blocks: number,
    total: number,
    blockSize: number,
    size: number,
    shuffled: boolean | number,
    first: number,
    n0: number,
    n1: number,
    n2: number,
    s1: number,
    s2: number,
    output: number,
    o1: number,
    o2: number,
  ): void;
}

type Exports = Omit<BloscKernel, "base" | "heap"> & {
  readonly memory: WebAssembly.Memory;
  heapBase(): number;
};

const PAGE = 65_536;

let compiled: WebAssembly.Module | null | undefined;

/** The kernel's module, or `null` where WebAssembly, its SIMD, or compiling it is missing or forbidden. */
function compile(): WebAssembly.Module | null {
  if (compiled !== undefined) return compiled;
  try {
    // 5 kB: below what browsers refuse to compile synchronously.
    compiled = new WebAssembly.Module(
      Uint8Array.from(atob(bloscModule), (character) => character.charCodeAt(0)),
    );
  } catch {
    compiled = null;
  }
  return compiled;
}

/**
 * A kernel with memory of its own: WebAssembly, or plain TypeScript where that is missing or forbidden (no SIMD, a
 * Content-Security-Policy without `wasm-unsafe-eval`).
 */
export function createBloscKernel(): BloscKernel {
  const module = compile();
  if (module === null) return plainBloscKernel();
  return fromExports(new WebAssembly.Instance(module, {}).exports as unknown as Exports);
}

function fromExports(exports: Exports): BloscKernel {
  const { memory } = exports;
  let bytes = new Uint8Array(memory.buffer);
  return {
    base: (exports.heapBase() + 15) & ~15,
    heap(size) {
      if (size > memory.buffer.byteLength) grow(memory, size);
      if (bytes.buffer !== memory.buffer) bytes = new Uint8Array(memory.buffer);
      return bytes;
    },
    lz4Decode: exports.lz4Decode,
    lz4Encode: exports.lz4Encode,
    unshuffle: exports.unshuffle,
    shuffle: exports.shuffle,
    bitUnshuffle: exports.bitUnshuffle,
    gather: exports.gather,
  };
}

function grow(memory: WebAssembly.Memory, size: number): void {
  try {
    memory.grow(Math.ceil((size - memory.buffer.byteLength) / PAGE));
  } catch (cause) {
    throw new LazyImageError("ERR_LIMIT", `A chunk needs ${size} bytes of memory, more than there are`, {
      cause,
    });
  }
}
