import { inflateModule } from "./generated/inflate-module.js";
import type { InflateKernel } from "./inflate-kernel.js";
import { WINDOW_SIZE } from "./inflate-kernel.js";

interface Exports {
  readonly memory: WebAssembly.Memory;
  init(): void;
  inputBuffer(): number;
  inputSize(): number;
  outputBuffer(): number;
  outputSize(): number;
  reset(window: number): void;
  setInput(at: number, end: number): void;
  skipBits(count: number): void;
  inputAt(): number;
  pendingBits(): number;
  outputAt(): number;
  slide(): void;
  run(stopAt: number): number;
  crc32(from: number, to: number, crc: number): number;
}

let compiled: WebAssembly.Module | null | undefined;

/** The kernel's module, or `null` where WebAssembly is missing or forbidden (a CSP without `wasm-unsafe-eval`). */
function compile(): WebAssembly.Module | null {
  if (compiled !== undefined) return compiled;
  try {
    const bytes = Uint8Array.from(atob(inflateModule), (character) => character.charCodeAt(0));
    // 6 kB: below what browsers refuse to compile synchronously.
    compiled = new WebAssembly.Module(bytes);
  } catch {
    compiled = null;
  }
  return compiled;
}

/** A new WebAssembly inflate kernel (0.7 MB of memory), or `null` where the platform has or allows none. */
export function createWasmKernel(): InflateKernel | null {
  const module = compile();
  if (module === null) return null;
  let exports: Exports;
  try {
    exports = new WebAssembly.Instance(module, {}).exports as unknown as Exports;
  } catch {
    // Address space for its memory can run out.
    return null;
  }
  exports.init();
  // The memory never grows, so these views stay valid.
  const { buffer } = exports.memory;
  return {
    kind: "wasm",
    input: new Uint8Array(buffer, exports.inputBuffer(), exports.inputSize()),
    output: new Uint8Array(buffer, exports.outputBuffer(), WINDOW_SIZE + exports.outputSize()),
    reset: exports.reset,
    setInput: exports.setInput,
    skipBits: exports.skipBits,
    inputAt: exports.inputAt,
    pendingBits: exports.pendingBits,
    outputAt: exports.outputAt,
    slide: exports.slide,
    run: exports.run,
    crc32: (from, to, crc) => exports.crc32(from, to, crc) >>> 0,
  };
}
