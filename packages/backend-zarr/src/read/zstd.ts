import { createZstdDecoder, type ZstdDecoder } from "@lazyimg/codecs";
import { LazyImageError } from "@lazyimg/core";
import { nativeZstd } from "#zstd";

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
  const instance = new ZSTDDecoder();
  try {
    await instance.init();
  } catch (cause) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      "zstd is decoded with WebAssembly, which is missing or forbidden here; a Content-Security-Policy needs 'wasm-unsafe-eval'",
      { cause },
    );
  }
  return (bytes, size) => {
    checkFrame(bytes, size);
    const result = instance.decode(bytes, size);
    // An error is a length beyond any that fits: zstd's codes are negative.
    if (result.length > size) throw new RangeError("a damaged frame");
    return result;
  };
}

/** What the frame header promises, checked before memory is taken for it (RFC 8878, section 3.1.1.1). */
function checkFrame(bytes: Uint8Array, size: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 6 || view.getUint32(0, true) !== 0xfd2fb528) {
    throw new LazyImageError("ERR_CORRUPT", "no zstd frame");
  }
  const descriptor = bytes[4]!;
  const single = (descriptor & 32) !== 0;
  const flag = descriptor >> 6;
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  const fieldBytes = flag === 0 ? (single ? 1 : 0) : 2 ** flag;
  if (fieldBytes === 0) return;
  if (at + fieldBytes > bytes.length) throw new RangeError("a cut frame");
  const promised =
    fieldBytes === 1
      ? bytes[at]!
      : fieldBytes === 2
        ? view.getUint16(at, true) + 256
        : fieldBytes === 4
          ? view.getUint32(at, true)
          : Number(view.getBigUint64(at, true));
  if (promised !== size) throw new RangeError(`a frame of ${promised} bytes where ${size} were expected`);
}
