import { LazyImageError } from "@lazyimg/core";
import { nativeZstd } from "#zstd";

/** Decompresses one zstd frame to at most `size` bytes. */
export type ZstdDecoder = (bytes: Uint8Array, size: number) => Uint8Array;

let decoder: Promise<ZstdDecoder> | undefined;

/** The platform's decoder where it has one (Node 22.15), otherwise zstddec's WebAssembly, loaded when first needed. */
export function loadZstd(): Promise<ZstdDecoder> {
  decoder ??= load();
  return decoder;
}

async function load(): Promise<ZstdDecoder> {
  if (nativeZstd !== undefined) return nativeZstd;
  const { ZSTDDecoder } = await import("zstddec");
  const instance = new ZSTDDecoder();
  await instance.init();
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
