export {
  BloscDecoder,
  type BloscFrame,
  type ChunkBox,
  createBloscDecoder,
  readBloscFrame,
  supportsFrame,
} from "./blosc.js";
export { type BloscEncodeOptions, BloscEncoder, createBloscEncoder } from "./blosc-encode.js";
export { type BloscKernel, createBloscKernel } from "./blosc-kernel.js";
export { plainBloscKernel } from "./blosc-plain.js";
export { combineCrc32, crc32 } from "./crc32.js";
export { Inflater, type InflateStart, type InflateStop } from "./inflate.js";
export { createJsKernel } from "./inflate-js.js";
export { type InflateKernel, WINDOW_SIZE } from "./inflate-kernel.js";
export { createWasmKernel } from "./inflate-wasm.js";
export { createZstdDecoder, ZstdDecoder } from "./zstd.js";
