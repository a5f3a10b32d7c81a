import { LazyImageError } from "@lazyimg/core";
import { type BloscKernel, createBloscKernel, SLACK } from "./blosc-kernel.js";

/** The codecs that a blosc frame may hold, by the number in its header. */
const CODECS = ["blosclz", "lz4", "snappy", "zlib", "zstd"] as const;

/** What the 16 bytes before a blosc chunk say (c-blosc, README_CHUNK_FORMAT). */
export interface BloscFrame {
  /** Bytes of the decoded chunk. */
  readonly size: number;
  /** Bytes of the frame, the header included. */
  readonly length: number;
  /** Bytes of a decoded block; the last one may be shorter. */
  readonly blockSize: number;
  /** Bytes of an element, as the shuffle saw it. */
  readonly typeSize: number;
  readonly shuffle: "none" | "byte" | "bit";
  readonly codec: (typeof CODECS)[number];
  /** Stored as it is, without blocks. */
  readonly stored: boolean;
  /** Whether a whole block is one stream for each byte of an element. */
  readonly split: boolean;
}

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

const HEADER = 16;
const MAX_SPLITS = 16;
const MIN_STREAM = 128;
/** A byte of LZ4 adds at most this many to a match. */
const LZ4_RATIO = 256;
/** A chunk that claims more than this is refused: the format's own limit is 2 GiB. */
const MAX_SIZE = 0x7fff_ffff;

const corrupt = (what: string): LazyImageError =>
  new LazyImageError("ERR_CORRUPT", `Corrupt blosc chunk: ${what}`);

/**
 * Reads and checks the header of a blosc chunk.
 *
 * @throws LazyImageError `ERR_CORRUPT` where it contradicts itself or the number of bytes there are, `ERR_UNSUPPORTED`
 * for an unknown version or codec.
 */
export function readBloscFrame(bytes: Uint8Array): BloscFrame {
  if (bytes.length < HEADER) throw corrupt(`${bytes.length} bytes, but the header alone has ${HEADER}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER);
  const version = view.getUint8(0);
  const flags = view.getUint8(2);
  const typeSize = view.getUint8(3);
  const size = view.getUint32(4, true);
  const blockSize = view.getUint32(8, true);
  const length = view.getUint32(12, true);
  if (version !== 1 && version !== 2) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `Blosc chunk of version ${version}; versions 1 and 2 are read`,
    );
  }
  const codec = CODECS[flags >> 5];
  if (codec === undefined) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `Blosc chunk with codec number ${flags >> 5}; 0 to 4 are known`,
    );
  }
  const stored = (flags & 2) !== 0;
  if (length < HEADER || length > bytes.length) {
    throw corrupt(`its header promises ${length} bytes, but there are ${bytes.length}`);
  }
  if (size > MAX_SIZE || (stored && length < HEADER + size))
    throw corrupt(`${size} bytes do not fit in ${length}`);
  if (typeSize === 0 || (size > 0 && (blockSize === 0 || blockSize > MAX_SIZE))) {
    throw corrupt(`type size ${typeSize}, block size ${blockSize}`);
  }
  if (!stored && size > 0 && Math.ceil(size / blockSize) * 8 > length - HEADER) {
    throw corrupt(`${Math.ceil(size / blockSize)} blocks do not fit in ${length} bytes`);
  }
  if (!stored && codec === "lz4" && size > LZ4_RATIO * length) {
    throw corrupt(`${length} bytes of LZ4 cannot hold ${size}`);
  }
  // One element of a byte has nothing to shuffle bytewise, whatever the flag says.
  const shuffle = (flags & 4) !== 0 ? "bit" : (flags & 1) !== 0 && typeSize > 1 ? "byte" : "none";
  const split = (flags & 16) === 0 && typeSize <= MAX_SPLITS && blockSize / typeSize >= MIN_STREAM;
  return { size, length, blockSize, typeSize, shuffle, codec, stored, split };
}

/**
 * Decodes blosc chunks in memory of its own: whole ones, or only the elements that a box needs.
 *
 * One after the other: a decoder is not to be shared between threads, and views of its memory end with the next call.
 */
export class BloscDecoder {
  readonly #kernel: BloscKernel;
  #slabSize = 0;
  /** The loaded chunk: where its blocks lie, and whether they are still byte-shuffled. */
  #chunk: Loaded | undefined;

  constructor(kernel: BloscKernel) {
    this.#kernel = kernel;
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
   * @throws LazyImageError `ERR_CORRUPT`, or `ERR_UNSUPPORTED` for codecs other than LZ4 (see `supports`)
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
        `Blosc chunk with codec ${frame.codec}; this decoder reads lz4`,
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
      decodeBlock(kernel, view, input, block, frame, blocks + start, blockLength, elements);
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
}

/** Whether the decoder reads a frame itself; others are for numcodecs. */
export function supportsFrame({ codec, stored }: BloscFrame): boolean {
  return stored || codec === "lz4";
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

function decodeBlock(
  kernel: BloscKernel,
  view: DataView,
  input: number,
  block: number,
  frame: BloscFrame,
  target: number,
  length: number,
  elements: number | undefined,
): void {
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
      const written = kernel.lz4Decode(input + at, encoded, to, streamLength, stop);
      if (written < stop) throw corrupt(`block ${block} does not decode to ${streamLength} bytes`);
    }
    at += encoded;
  }
}

/** A decoder with memory of its own. */
export function createBloscDecoder(kernel: BloscKernel = createBloscKernel()): BloscDecoder {
  return new BloscDecoder(kernel);
}
