import { plainBloscKernel } from "./blosc-plain.js";
import { bloscModule } from "./generated/blosc-module.js";
import { type Heap, type HeapExports, heapOf, wasmModule } from "./wasm-module.js";

/** Bytes that must be free behind every area that a kernel touches: copies move 16 bytes at a time and may overrun. */
export const SLACK = 64;

/**
 * The inner loops of blosc over one linear memory; addresses and lengths in bytes. Nothing is checked here except what a
 * compressed stream itself says: whoever calls has checked the rest.
 */
export interface BloscKernel extends Heap {
  /** Decodes an LZ4 block until `stop` bytes are there; returns how many were written, or a negative number. */
  lz4Decode(input: number, length: number, output: number, room: number, stop: number): number;
  /** The same of blosclz. */
  blosclzDecode(input: number, length: number, output: number, room: number, stop: number): number;
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

const instantiate = wasmModule<BloscKernel & HeapExports>(bloscModule);

/**
 * A kernel with memory of its own: WebAssembly, or plain TypeScript where that is missing or forbidden (no SIMD, a
 * Content-Security-Policy without `wasm-unsafe-eval`).
 */
export function createBloscKernel(): BloscKernel {
  const exports = instantiate();
  return exports === null ? plainBloscKernel() : { ...exports, ...heapOf(exports) };
}
