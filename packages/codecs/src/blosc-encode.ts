import { LazyImageError } from "@lazyimg/core";
import { type BloscKernel, createBloscKernel, SLACK } from "./blosc-kernel.js";

/** How to encode one blosc chunk. */
export interface BloscEncodeOptions {
  /** Bytes of an element, 1 to 255. */
  readonly typeSize: number;
  /** Group the elements' bytes by their place, which makes numbers compress. Default: true. */
  readonly shuffle?: boolean | undefined;
}

const HEADER = 16;
const LZ4 = 1;
/** Bytes of one stream: small enough for the cache and for reading parts, large enough to find matches. */
const STREAM = 131_072;
const MAX_SPLITS = 16;
const MIN_STREAM = 128;

/**
 * Encodes blosc chunks (c-blosc 1, format version 2): LZ4 behind a byte shuffle. What does not shrink is stored.
 */
export class BloscEncoder {
  readonly #kernel: BloscKernel;

  constructor(kernel: BloscKernel) {
    this.#kernel = kernel;
  }

  /**
   * One chunk, in fresh memory.
   *
   * @throws LazyImageError `ERR_INVALID_ARGUMENT` for a type size or length that the format has no room for
   */
  encode(
    bytes: Uint8Array,
    { typeSize: wanted, shuffle = true }: BloscEncodeOptions,
  ): Uint8Array<ArrayBuffer> {
    const size = bytes.length;
    if (!(wanted >= 1 && wanted <= 255) || size > 0x7fff_ffff - HEADER) {
      throw new LazyImageError(
        "ERR_INVALID_ARGUMENT",
        `No blosc chunk for ${size} bytes of type size ${wanted}`,
      );
    }
    // Less than one element: old versions of c-blosc read that wrongly.
    const typeSize = size < wanted ? 1 : wanted;
    const doShuffle = shuffle && typeSize > 1;
    // Whole elements, but never more than there is: c-blosc refuses blocks that are larger than the chunk.
    const most = Math.floor((STREAM * Math.min(typeSize, MAX_SPLITS)) / typeSize) * typeSize;
    const blockSize = Math.max(1, Math.min(size - (size % typeSize), most));
    const split = typeSize <= MAX_SPLITS && blockSize / typeSize >= MIN_STREAM;
    const blocks = Math.ceil(size / blockSize);
    const kernel = this.#kernel;
    const input = (kernel.base + 15) & ~15;
    const shuffled = (input + size + SLACK + 15) & ~15;
    const output = (shuffled + blockSize + SLACK + 15) & ~15;
    const room = HEADER + size;
    const heap = kernel.heap(output + room + SLACK);
    heap.set(bytes, input);

    let at = HEADER + 4 * blocks;
    const view = new DataView(heap.buffer, heap.byteOffset + output, room);
    let fits = at < room;
    for (let block = 0; block < blocks && fits; block++) {
      const from = input + block * blockSize;
      const length = Math.min(blockSize, size - block * blockSize);
      const streams = split && length === blockSize ? typeSize : 1;
      const streamLength = Math.floor(length / streams);
      if (doShuffle) kernel.shuffle(from, shuffled, length, typeSize);
      view.setUint32(HEADER + 4 * block, at, true);
      for (let stream = 0; stream < streams; stream++) {
        const source = (doShuffle ? shuffled : from) + stream * streamLength;
        if (at + 4 + streamLength > room) {
          fits = false;
          break;
        }
        let encoded = kernel.lz4Encode(source, streamLength, output + at + 4, streamLength - 1);
        if (encoded === 0) {
          heap.copyWithin(output + at + 4, source, source + streamLength);
          encoded = streamLength;
        }
        view.setInt32(at, encoded, true);
        at += 4 + encoded;
      }
    }
    const result = new Uint8Array(fits ? at : HEADER + size);
    if (fits) result.set(heap.subarray(output, output + at));
    else result.set(bytes, HEADER);
    const header = new DataView(result.buffer);
    header.setUint8(0, 2);
    header.setUint8(1, 1);
    header.setUint8(2, (doShuffle ? 1 : 0) | (fits ? 0 : 2) | (split ? 0 : 16) | (LZ4 << 5));
    header.setUint8(3, typeSize);
    header.setUint32(4, size, true);
    header.setUint32(8, blockSize, true);
    header.setUint32(12, result.length, true);
    return result;
  }
}

/** An encoder with memory of its own. */
export function createBloscEncoder(kernel: BloscKernel = createBloscKernel()): BloscEncoder {
  return new BloscEncoder(kernel);
}
