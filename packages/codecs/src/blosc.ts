import { LazyImageError } from "@lazyimg/core";
import { type BloscFrame, corrupt, HEADER, readBloscFrame, supportsFrame } from "./blosc-frame.js";
import { type BloscKernel, createBloscKernel, SLACK } from "./blosc-kernel.js";
import { inflateZlib } from "./zlib.js";
import { createZstdDecoder, type ZstdDecoder } from "./zstd.js";

/**
 * Decodes zstd that holds `size` bytes; the result may be memory that the next call uses again.
 *
 * @throws LazyImageError
 */
export type DecodeZstd = (bytes: Uint8Array, size: number) => Uint8Array;

/** A box of elements inside a chunk, to be copied to an output area; see `BloscDecoder.gather`. */
export interface ChunkBox {
  /** First element of the box, counted in the chunk. */
  readonly first: number;
  /** Elements along rows, lines and planes. */
  readonly counts: readonly [n0: number, n1: number, n2: number];
  /** Elements between neighbouring lines and planes in the chunk; along rows it is 1. */
  readonly strides: readonly [s1: number, s2: number];
  /** Byte of the output area where the box begins. */
  readonly output: number;
  /** Bytes between neighbouring lines and planes in the output area. */
  readonly outputStrides: readonly [o1: number, o2: number];
}

/** A chunk in the decoder's memory. */
interface Loaded {
  readonly size: number;
  readonly blockSize: number;
  readonly blocks: number;
  readonly shuffled: boolean;
}

/**
 * Decodes blosc chunks in memory of its own: whole ones, or only the elements that a box needs.
 *
 * One after the other: a decoder is not to be shared between threads, and views of its memory end with the next call.
 */
export class BloscDecoder {
  readonly #kernel: BloscKernel;
  readonly #zstd: DecodeZstd;
  #slabSize = 0;
  /** The loaded chunk: where its blocks lie, and whether they are still byte-shuffled. */
  #chunk: Loaded | undefined;

  constructor(kernel: BloscKernel, zstd: DecodeZstd) {
    this.#kernel = kernel;
    this.#zstd = zstd;
  }

  /** Room for `size` bytes of output, kept until the next call; what was loaded is gone. */
  reserve(size: number): void {
    this.#slabSize = size;
    this.#chunk = undefined;
    this.#kernel.heap(this.#kernel.base + size + SLACK);
  }

  /** The output area. The view ends with the next call of `load`. */
  output(): Uint8Array {
    const { base } = this.#kernel;
    return this.#kernel.heap(base + this.#slabSize + SLACK).subarray(base, base + this.#slabSize);
  }

  /**
   * Decompresses the blocks that hold elements `[from, to)` of `elementSize` bytes, ready for `gather`.
   *
   * @throws LazyImageError `ERR_CORRUPT`, `ERR_TRUNCATED`, `ERR_CHECKSUM`; `ERR_UNSUPPORTED` for snappy, and for zstd where
   * there is no WebAssembly
   */
  load(bytes: Uint8Array, frame: BloscFrame, elementSize: number, from: number, to: number): void {
    const { size, blockSize, typeSize, shuffle, stored, length } = frame;
    const kernel = this.#kernel;
    const align = (address: number): number => (address + SLACK + 15) & ~15;
    const blocks = align(kernel.base + this.#slabSize);
    const plain = align(blocks + size);
    const input = align(plain + (shuffle === "none" ? 0 : size));
    const heap = kernel.heap(align(input + length));
    this.#chunk = undefined;

    if (stored) {
      heap.set(bytes.subarray(HEADER, HEADER + size), blocks);
      this.#chunk = { size, blockSize, blocks, shuffled: false };
      return;
    }
    if (!supportsFrame(frame)) {
      throw new LazyImageError(
        "ERR_UNSUPPORTED",
        `Blosc chunk with codec ${frame.codec}; lz4, lz4hc, blosclz, zlib and zstd are read. Write it with one of these.`,
      );
    }
    heap.set(bytes.subarray(0, length), input);
    const view = new DataView(heap.buffer, heap.byteOffset + input, length);
    // A row is taken straight out of shuffled blocks where they shuffle whole elements and begin with one.
    const direct = shuffle === "byte" && typeSize === elementSize && blockSize % typeSize === 0;
    const firstByte = from * elementSize;
    const lastByte = to * elementSize;
    const count = Math.ceil(size / blockSize);
    for (let block = 0; block < count; block++) {
      const start = block * blockSize;
      const blockLength = Math.min(blockSize, size - start);
      if (start + blockLength <= firstByte || start >= lastByte) continue;
      const elements = direct
        ? Math.ceil((Math.min(lastByte, start + blockLength) - start) / typeSize)
        : undefined;
      this.#decodeBlock(view, input, block, frame, blocks + start, blockLength, elements);
      if (shuffle !== "none" && !direct)
        undoShuffle(kernel, frame, blocks + start, plain + start, blockLength);
    }
    this.#chunk = {
      size,
      blockSize,
      blocks: shuffle !== "none" && !direct ? plain : blocks,
      shuffled: direct,
    };
  }

  /** Takes a chunk that was decoded elsewhere, ready for `gather`. */
  loadPlain(bytes: Uint8Array): void {
    const kernel = this.#kernel;
    const blocks = (kernel.base + this.#slabSize + SLACK + 15) & ~15;
    kernel.heap(blocks + bytes.length + SLACK).set(bytes, blocks);
    this.#chunk = { size: bytes.length, blockSize: bytes.length, blocks, shuffled: false };
  }

  /** Copies boxes of the loaded chunk into the output area; they lie within the elements that `load` was given. */
  gather(boxes: readonly ChunkBox[], elementSize: number): void {
    const { size, blockSize, blocks, shuffled } = this.#chunk!;
    const { base } = this.#kernel;
    for (const { first, counts, strides, output, outputStrides } of boxes) {
      const [n0, n1, n2] = counts;
      const [s1, s2] = strides;
      const [o1, o2] = outputStrides;
      if (
        (first + (n0 - 1) + (n1 - 1) * s1 + (n2 - 1) * s2 + 1) * elementSize > size ||
        output + (n1 - 1) * o1 + (n2 - 1) * o2 + n0 * elementSize > this.#slabSize
      ) {
        throw new LazyImageError("ERR_INDEX", "A box reaches beyond its chunk or the reserved output");
      }
      this.#kernel.gather(
        blocks,
        size,
        shuffled ? blockSize : Math.max(size, 1),
        elementSize,
        shuffled,
        first,
        n0,
        n1,
        n2,
        s1,
        s2,
        base + output,
        o1,
        o2,
      );
    }
  }

  /**
   * The whole chunk, in `out` or in fresh memory.
   *
   * @throws as `load`
   */
  decode(bytes: Uint8Array, frame: BloscFrame = readBloscFrame(bytes), out?: Uint8Array): Uint8Array {
    const { size, stored } = frame;
    const result = out?.subarray(0, size) ?? new Uint8Array(size);
    if (stored) {
      result.set(bytes.subarray(HEADER, HEADER + size));
      return result;
    }
    this.reserve(0);
    // An element size that no shuffle has makes `load` undo it.
    this.load(bytes, frame, 1, 0, size);
    const { blocks, shuffled } = this.#chunk!;
    if (shuffled) throw corrupt("shuffled single bytes");
    result.set(this.#kernel.heap(0).subarray(blocks, blocks + size));
    return result;
  }

  #decodeBlock(
    view: DataView,
    input: number,
    block: number,
    frame: BloscFrame,
    target: number,
    length: number,
    elements: number | undefined,
  ): void {
    const kernel = this.#kernel;
    const end = view.byteLength;
    let at = view.getUint32(HEADER + 4 * block, true);
    const streams = frame.split && length === frame.blockSize ? frame.typeSize : 1;
    const streamLength = Math.floor(length / streams);
    // Each stream is one byte of every element: what lies behind the last element asked for is not decoded.
    const stop = streams > 1 && elements !== undefined ? Math.min(elements, streamLength) : streamLength;
    for (let stream = 0; stream < streams; stream++) {
      if (at + 4 > end) throw corrupt(`block ${block} begins at byte ${at} of ${end}`);
      const encoded = view.getInt32(at, true);
      at += 4;
      if (encoded <= 0 || encoded > end - at) {
        throw corrupt(`a stream of block ${block} has ${encoded} bytes, but ${end - at} follow`);
      }
      const to = target + stream * streamLength;
      if (encoded === streamLength) {
        kernel.heap(0).copyWithin(to, input + at, input + at + encoded);
      } else {
        const written = this.#decodeStream(frame.codec, input + at, encoded, to, streamLength, stop);
        if (written < stop) throw corrupt(`block ${block} does not decode to ${streamLength} bytes`);
      }
      at += encoded;
    }
  }

  /** Decodes one stream as far as `stop` at least; returns how many bytes were written, or less than that. */
  #decodeStream(
    codec: BloscFrame["codec"],
    input: number,
    length: number,
    output: number,
    room: number,
    stop: number,
  ): number {
    const kernel = this.#kernel;
    if (codec === "lz4") return kernel.lz4Decode(input, length, output, room, stop);
    if (codec === "blosclz") return kernel.blosclzDecode(input, length, output, room, stop);
    const heap = kernel.heap(0);
    const stream = heap.subarray(input, input + length);
    if (codec === "zlib") {
      inflateZlib(stream, heap.subarray(output, output + room));
      return room;
    }
    const decoded = this.#zstd(stream, room);
    if (decoded.length !== room) return -1;
    heap.set(decoded, output);
    return room;
  }
}

function undoShuffle(kernel: BloscKernel, frame: BloscFrame, from: number, to: number, length: number): void {
  const { shuffle, typeSize } = frame;
  if (shuffle === "byte") {
    kernel.unshuffle(from, to, length, typeSize);
    return;
  }
  // c-blosc: a block whose number of elements is no multiple of 8 is not shuffled at all.
  const elements = Math.floor(length / typeSize);
  const shuffled = elements % 8 === 0 ? elements * typeSize : 0;
  if (shuffled > 0) kernel.bitUnshuffle(from, to, shuffled, typeSize);
  kernel.heap(0).copyWithin(to + shuffled, from + shuffled, from + length);
}

/** Zstd in memory of its own, when it is first needed. */
function ownZstd(): DecodeZstd {
  let decoder: ZstdDecoder | null = null;
  return (bytes, size) => {
    decoder ??= createZstdDecoder();
    if (decoder !== null) return decoder.decode(bytes, size);
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      "zstd is decoded with WebAssembly and its SIMD, which are missing or forbidden here; a Content-Security-Policy needs 'wasm-unsafe-eval'",
    );
  };
}

/**
 * A decoder with memory of its own.
 *
 * @param zstd what decodes zstd streams; by default another such memory
 */
export function createBloscDecoder(
  kernel: BloscKernel = createBloscKernel(),
  zstd: DecodeZstd = ownZstd(),
): BloscDecoder {
  return new BloscDecoder(kernel, zstd);
}
