import { createZstdDecoder, type DecodeZstd, type ZstdDecoder } from "@lazyimg/codecs";
import { LazyImageError } from "@lazyimg/core";
import { nativeZstd } from "#zstd";
import { needWebAssembly } from "./web-assembly.js";
import { zstdSize } from "./zstd-frame.js";

let kernel: ZstdDecoder | null | undefined;
let loading: Promise<DecodeZstd> | undefined;
let decode: DecodeZstd | undefined;

/** This thread's decoder, which also holds slabs; `null` where WebAssembly or its SIMD is missing or forbidden. */
export function zstdKernel(): ZstdDecoder | null {
  if (kernel === undefined) kernel = createZstdDecoder();
  return kernel;
}

/**
 * Makes `decodeZstd` ready: the kernel; without it the platform's decoder (Node 22.15, not faster), or zstddec, which is
 * WebAssembly without SIMD and loaded when first needed.
 *
 * @throws LazyImageError `ERR_UNSUPPORTED` where there is no WebAssembly at all
 */
export async function prepareZstd(): Promise<void> {
  const decoder = zstdKernel();
  loading ??=
    decoder !== null ? Promise.resolve((bytes, size) => decoder.decode(bytes, size)) : loadFallback();
  decode = await loading;
}

/**
 * Decompresses at most `size` bytes, after `prepareZstd`.
 *
 * @throws LazyImageError as `ZstdDecoder`
 */
export function decodeZstd(bytes: Uint8Array, size: number): Uint8Array {
  return decode!(bytes, size);
}

async function loadFallback(): Promise<DecodeZstd> {
  if (nativeZstd !== undefined) return nativeZstd;
  const { ZSTDDecoder } = await import("zstddec");
  await needWebAssembly("zstd");
  const instance = new ZSTDDecoder();
  await instance.init();
  return (bytes, size) => {
    // Checked before memory is taken for it.
    const stated = zstdSize(bytes);
    if (stated !== undefined && stated !== size) {
      throw new LazyImageError("ERR_CORRUPT", `a zstd frame of ${stated} bytes where ${size} were expected`);
    }
    const result = instance.decode(bytes, size);
    // An error is a length beyond any that fits: zstd's codes are negative.
    if (result.length > size) throw new LazyImageError("ERR_CORRUPT", "a damaged zstd frame");
    return result;
  };
}
