import { LazyImageError } from "@lazyimg/core";

const PAGE = 65_536;

/**
 * Makes instances of a WebAssembly module, which is compiled once, when the first is made.
 *
 * @param base64 the module: 10 kB or so, below what browsers refuse to compile synchronously
 * @returns gives `null` where WebAssembly, or the SIMD that it needs, is missing or forbidden (a Content-Security-Policy
 *   without `wasm-unsafe-eval`), and where the address space for one more memory has run out
 */
export function wasmModule<Exports>(base64: string): () => Exports | null {
  let compiled: WebAssembly.Module | null | undefined;
  return () => {
    try {
      if (compiled === null) return null;
      compiled ??= new WebAssembly.Module(
        Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)),
      );
      return new WebAssembly.Instance(compiled, {}).exports as Exports;
    } catch {
      compiled ??= null;
      return null;
    }
  };
}

/** What such a module exports besides its functions. */
export interface HeapExports {
  readonly memory: WebAssembly.Memory;
  heapBase(): number;
}

/** The linear memory of a module that lays out its own constants and leaves the rest to its caller. */
export interface Heap {
  /** Where free memory begins. */
  readonly base: number;
  /**
   * The whole memory, at least `size` bytes of it; a view from before is invalid afterwards.
   *
   * @throws LazyImageError `ERR_LIMIT` when there is not so much
   */
  heap(size: number): Uint8Array;
}

/** Views of a module's memory. */
export function heapOf({ memory, heapBase }: HeapExports): Heap {
  let bytes = new Uint8Array(memory.buffer);
  return {
    base: (heapBase() + 15) & ~15,
    heap(size) {
      if (size > memory.buffer.byteLength) grow(memory, size);
      if (bytes.buffer !== memory.buffer) bytes = new Uint8Array(memory.buffer);
      return bytes;
    },
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
