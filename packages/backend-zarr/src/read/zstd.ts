import { createZstdDecoder, type ZstdDecoder } from "@lazyimg/codecs";
import { nativeZstd } from "#zstd";
import { needWebAssembly } from "./web-assembly.js";
import { zstdSize } from "./zstd-frame.js";

/** Decompresses zstd frames to at most `size` bytes. */
type Decompress = (bytes: Uint8Array, size: number) => Uint8Array;

let kernel: ZstdDecoder | null | undefined;
let fallback: Promise<Decompress> | undefined;

/** This thread's decoder, which also holds slabs; `null` where WebAssembly or its SIMD is missing or forbidden. */
export function zstdKernel(): ZstdDecoder | null {
  if (kernel === undefined) kernel = createZstdDecoder();
  return kernel;
}

/**
 * Decompresses at most `size` bytes: with the kernel; without it with the platform's decoder (Node 22.15, not faster), or
 * with zstddec, which is WebAssembly without SIMD and loaded when first needed.
 *
 * @throws LazyImageError as `ZstdDecoder`, or `ERR_UNSUPPORTED` where there is no WebAssembly at all
 */
export async function decompressZstd(bytes: Uint8Array, size: number): Promise<Uint8Array> {
  const decoder = zstdKernel();
  if (decoder !== null) return decoder.decode(bytes, size);
  fallback ??= loadFallback();
  return (await fallback)(bytes, size);
}

async function loadFallback(): Promise<Decompress> {
  if (nativeZstd !== undefined) return nativeZstd;
  const { ZSTDDecoder } = await import("zstddec");
  await needWebAssembly("zstd");
  const instance = new ZSTDDecoder();
  await instance.init();
  return (bytes, size) => {
    // Checked before memory is taken for it.
    const stated = zstdSize(bytes);
    if (stated !== undefined && stated !== size) {
      throw new RangeError(`a frame of ${stated} bytes where ${size} were expected`);
    }
    const result = instance.decode(bytes, size);
    // An error is a length beyond any that fits: zstd's codes are negative.
    if (result.length > size) throw new RangeError("a damaged frame");
    return result;
  };
}
