import type { BloscFrame } from "@lazyimg/codecs";
import { LazyImageError } from "@lazyimg/core";
import { zstdKernel } from "./zstd.js";

const HEADER = 16;
/** The number of LZ4 in the header's flags, whose decoder takes streams that are stored. */
const LZ4_FLAG = 1 << 5;

/**
 * A blosc chunk of zstd streams as one whose streams are stored, which the blosc kernel reads; `undefined` without the zstd
 * kernel. The caller has checked that `frame.size` is what it expects.
 *
 * @throws LazyImageError `ERR_CORRUPT` and what `ZstdDecoder` throws
 */
export function unpackBloscZstd(bytes: Uint8Array, frame: BloscFrame): Uint8Array | undefined {
  const kernel = zstdKernel();
  if (kernel === null) return undefined;
  const { size, length, blockSize, typeSize } = frame;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const blocks = Math.ceil(size / blockSize);
  const streamsOf = (block: number): number =>
    frame.split && (block + 1) * blockSize <= size ? typeSize : 1;
  let streams = 0;
  for (let block = 0; block < blocks; block++) streams += streamsOf(block);
  const total = HEADER + 4 * blocks + 4 * streams + size;
  kernel.reserve(total);
  /** Numbers to be written when everything is decoded: decoding spoils what comes behind. */
  const numbers: [at: number, value: number][] = [];
  const stored: [at: number, stream: Uint8Array][] = [];
  let to = HEADER + 4 * blocks;
  for (let block = 0; block < blocks; block++) {
    const blockLength = Math.min(blockSize, size - block * blockSize);
    const count = streamsOf(block);
    const streamLength = Math.floor(blockLength / count);
    let at = view.getUint32(HEADER + 4 * block, true);
    numbers.push([HEADER + 4 * block, to]);
    for (let n = 0; n < count; n++) {
      if (at + 4 > length) throw corrupt(`block ${block} begins at byte ${at} of ${length}`);
      const encoded = view.getInt32(at, true);
      at += 4;
      if (encoded <= 0 || encoded > length - at) {
        throw corrupt(`a stream of block ${block} has ${encoded} bytes, but ${length - at} follow`);
      }
      const stream = bytes.subarray(at, at + encoded);
      if (encoded === streamLength) stored.push([to + 4, stream]);
      else kernel.decodeTo(stream, streamLength, to + 4);
      numbers.push([to, streamLength]);
      to += 4 + streamLength;
      at += encoded;
    }
  }
  const result = kernel.output().slice(0, to);
  for (const [at, stream] of stored) result.set(stream, at);
  const out = new DataView(result.buffer);
  for (const [at, value] of numbers) out.setUint32(at, value, true);
  result.set(bytes.subarray(0, HEADER));
  out.setUint8(2, (view.getUint8(2) & 31) | LZ4_FLAG);
  out.setUint32(12, to, true);
  return result;
}

function corrupt(what: string): LazyImageError {
  return new LazyImageError("ERR_CORRUPT", `Corrupt blosc chunk: ${what}`);
}
