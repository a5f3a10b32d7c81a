import { LazyImageError } from "@lazyimg/core";

/**
 * The decoded length that the first zstd frame states; `undefined` where it states none (RFC 8878, section 3.1.1.1).
 *
 * @throws LazyImageError `ERR_CORRUPT` where there is no frame
 */
export function zstdSize(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 6 || view.getUint32(0, true) !== 0xfd2fb528) {
    throw new LazyImageError("ERR_CORRUPT", "no zstd frame");
  }
  const descriptor = bytes[4]!;
  const single = (descriptor & 32) !== 0;
  const flag = descriptor >> 6;
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  const fieldBytes = flag === 0 ? (single ? 1 : 0) : 2 ** flag;
  if (fieldBytes === 0) return undefined;
  if (at + fieldBytes > bytes.length)
    throw new LazyImageError("ERR_TRUNCATED", "a zstd frame ends in its header");
  if (fieldBytes === 1) return bytes[at]!;
  if (fieldBytes === 2) return view.getUint16(at, true) + 256;
  return fieldBytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}
