import { inflateModule } from "./generated/inflate-module.js";
import type { InflateKernel } from "./inflate-kernel.js";
import { WINDOW_SIZE } from "./inflate-kernel.js";
import { wasmModule } from "./wasm-module.js";

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

const instantiate = wasmModule<Exports>(inflateModule);

/** A new WebAssembly inflate kernel (0.7 MB of memory), or `null` where the platform has or allows none. */
export function createWasmKernel(): InflateKernel | null {
  const exports = instantiate();
  if (exports === null) return null;
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
