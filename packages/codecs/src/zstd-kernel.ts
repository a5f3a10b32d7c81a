import { LazyImageError } from "@lazyimg/core";
import { zstdModule } from "./generated/zstd-module.js";

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
export interface ZstdKernel {
  /** Where free memory begins. */
  readonly base: number;
  /** The whole memory, at least `size` bytes of it; a view from before is invalid afterwards. */
  heap(size: number): Uint8Array;
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

type Exports = Omit<ZstdKernel, "base" | "heap"> & {
  readonly memory: WebAssembly.Memory;
  heapBase(): number;
};

const PAGE = 65_536;

let compiled: WebAssembly.Module | null | undefined;

/** The kernel's module, or `null` where WebAssembly, its SIMD, or compiling it is missing or forbidden. */
function compile(): WebAssembly.Module | null {
  if (compiled !== undefined) return compiled;
  try {
    const bytes = Uint8Array.from(atob(zstdModule), (character) => character.charCodeAt(0));
    // 9 kB: below what browsers refuse to compile synchronously.
    compiled = new WebAssembly.Module(bytes);
  } catch {
    compiled = null;
  }
  return compiled;
}

/**
 * A kernel with memory of its own, or `null` where WebAssembly or its SIMD is missing or forbidden (a
 * Content-Security-Policy without `wasm-unsafe-eval`). There is none in plain TypeScript.
 */
export function createZstdKernel(): ZstdKernel | null {
  const module = compile();
  if (module === null) return null;
  let exports: Exports;
  try {
    exports = new WebAssembly.Instance(module, {}).exports as unknown as Exports;
  } catch {
    // Address space for its memory can run out.
    return null;
  }
  const { memory } = exports;
  let bytes = new Uint8Array(memory.buffer);
  return {
    base: (exports.heapBase() + 15) & ~15,
    heap(size) {
      if (size > memory.buffer.byteLength) grow(memory, size);
      if (bytes.buffer !== memory.buffer) bytes = new Uint8Array(memory.buffer);
      return bytes;
    },
    decode: exports.decode,
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
