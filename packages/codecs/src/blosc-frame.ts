import { LazyImageError } from "@lazyimg/core";

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

/** Bytes of a header. */
export const HEADER = 16;
const MAX_SPLITS = 16;
const MIN_STREAM = 128;
/** What one compressed byte can hold at most: a length's 255 in LZ4 and blosclz; a quarter of a block of one byte in zstd. */
const MOST = { blosclz: 256, lz4: 256, snappy: 64, zlib: 1032, zstd: 32_768 } as const;
/** A chunk that claims more than this is refused: the format's own limit is 2 GiB. */
const MAX_SIZE = 0x7fff_ffff;

/** What is wrong with a chunk. */
export const corrupt = (what: string): LazyImageError =>
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
  if (!stored && size > MOST[codec] * length) {
    throw corrupt(`${length} bytes of ${codec} cannot hold ${size}`);
  }
  // One element of a byte has nothing to shuffle bytewise, whatever the flag says.
  const shuffle = (flags & 4) !== 0 ? "bit" : (flags & 1) !== 0 && typeSize > 1 ? "byte" : "none";
  const split = (flags & 16) === 0 && typeSize <= MAX_SPLITS && blockSize / typeSize >= MIN_STREAM;
  return { size, length, blockSize, typeSize, shuffle, codec, stored, split };
}

/** Whether the decoder reads a frame: all but snappy, which c-blosc has no longer by default. */
export function supportsFrame({ codec, stored }: BloscFrame): boolean {
  return stored || codec !== "snappy";
}
