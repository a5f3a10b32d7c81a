import { zstdModule } from "./generated/zstd-module.js";
import { type Heap, type HeapExports, heapOf, wasmModule } from "./wasm-module.js";

/** Bytes that must be free behind every area that the kernel touches: copies move 16 bytes at a time and may overrun. */
export const SLACK = 64;

/** What `decode` returns instead of a length, besides -1 for corrupt data; as in assembly/zstd.ts. */
export const TRUNCATED: number = -2;
export const DICTIONARY: number = -3;
export const CHECKSUM: number = -4;
export const TOO_LONG: number = -5;
export const WRONG_SIZE: number = -6;
export const NO_FRAME: number = -7;

/**
 * The zstd decoder over one linear memory; addresses and lengths in bytes. What the compressed data say is checked there;
 * that areas lie inside the memory, with SLACK bytes behind them, is the caller's to see to.
 */
export interface ZstdKernel extends Heap {
  /**
   * Decodes all frames of an input; returns the length of the output, or one of the numbers above. A single frame of `room`
   * bytes is decoded as far as `stop`.
   */
  decode(input: number, length: number, output: number, room: number, stop: number): number;
  /** Copies a box of rows; see assembly/zstd.ts. */
  gather(
    input: number,
    bytes: number,
    n1: number,
    n2: number,
    s1: number,
    s2: number,
    output: number,
    o1: number,
    o2: number,
  ): void;
}

const instantiate = wasmModule<ZstdKernel & HeapExports>(zstdModule);

/**
 * A kernel with memory of its own, or `null` where WebAssembly or its SIMD is missing or forbidden (a
 * Content-Security-Policy without `wasm-unsafe-eval`). There is none in plain TypeScript.
 */
export function createZstdKernel(): ZstdKernel | null {
  const exports = instantiate();
  return exports && { ...exports, ...heapOf(exports) };
}
