import { type BloscDecoder, createGzipDecoder, type GzipDecoder, readBloscFrame } from "@lazyimg/codecs";
import { isLazyImageError, LazyImageError } from "@lazyimg/core";
import { inflate } from "#inflate";
import type { BytesCodec } from "../meta/array-spec.js";
import { crc32c } from "./crc32c.js";
import { decodeZstd, prepareZstd, zstdKernel } from "./zstd.js";

/** A byte of deflate cannot hold more than this many; of zstd no bound is known. */
const DEFLATE_RATIO = 1032;

/** This thread's decoder; `null` where WebAssembly is missing or forbidden. */
let gzip: GzipDecoder | null | undefined;

/** An error about a chunk, by its key. */
export function chunkError(key: string, cause: unknown): LazyImageError {
  const known = isLazyImageError(cause);
  const message = cause instanceof Error ? cause.message : String(cause);
  return new LazyImageError(known ? cause.code : "ERR_CORRUPT", `Zarr chunk ${key}: ${message}`, { cause });
}

/**
 * A chunk without its codecs; or with only the last of them left, for the kernel that decodes it into its place: a blosc
 * frame, or zstd frames.
 */
export interface DecodedChunk {
  readonly bytes: Uint8Array;
  readonly form: "plain" | "blosc" | "zstd";
}

/** Decodes chunks of one array, whose chain of codecs is known here. */
export class ChunkDecoder {
  readonly #codecs: readonly BytesCodec[];
  readonly #size: number;
  readonly #blosc: BloscDecoder;

  /** @param size bytes of a decoded chunk */
  constructor(codecs: readonly BytesCodec[], size: number, blosc: BloscDecoder) {
    this.#codecs = codecs;
    this.#size = size;
    this.#blosc = blosc;
  }

  /**
   * Undoes the chain, up to a blosc frame, which is left to `BloscDecoder.load`, since that need not decode all of it; or up
   * to zstd, which `ZstdDecoder` decodes where it is wanted.
   *
   * @param memoryFor gives memory to decode into
   * @throws LazyImageError `ERR_CORRUPT`, `ERR_CHECKSUM`, `ERR_UNSUPPORTED`, with the chunk's key
   */
  async decode(
    encoded: Uint8Array,
    key: string,
    memoryFor: (size: number) => Uint8Array,
  ): Promise<DecodedChunk> {
    try {
      let bytes = encoded;
      for (let n = this.#codecs.length - 1; n >= 0; n--) {
        const { name } = this.#codecs[n]!;
        // Only checksums keep a length that is known; under them lies the one that is checked below.
        const isFirst = this.#codecs.slice(0, n).every((codec) => codec.name === "crc32c");
        const room = isFirst ? this.#size + 4 * n : Math.max(2 * this.#size, 1 << 16);
        if (name === "blosc") {
          const frame = readBloscFrame(bytes);
          if (isFirst && n === 0 && frame.size !== this.#size) throw wrongLength(frame.size, this.#size);
          if (frame.codec === "zstd" && !frame.stored) await prepareZstd();
          if (n === 0) return { bytes, form: "blosc" };
          if (frame.size > room) throw wrongLength(frame.size, this.#size);
          bytes = this.#blosc.decode(bytes, frame);
        } else if (name === "gzip" || name === "zlib") {
          if (isFirst && this.#size > DEFLATE_RATIO * bytes.length + 64)
            throw wrongLength(bytes.length, this.#size);
          const decoded = n === 0 && name === "gzip" ? this.#gunzip(bytes, memoryFor) : undefined;
          if (decoded !== undefined) return { bytes: decoded, form: "plain" };
          const inflated = inflate(name === "gzip" ? "gzip" : "deflate", bytes, room, "the compressed data");
          bytes = inflated instanceof Uint8Array ? inflated : await inflated;
        } else if (name === "zstd") {
          if (n === 0 && zstdKernel() !== null) return { bytes, form: "zstd" };
          await prepareZstd();
          bytes = decodeZstd(bytes, room);
        } else {
          bytes = withoutChecksum(bytes);
        }
      }
      if (bytes.length !== this.#size) throw wrongLength(bytes.length, this.#size);
      return { bytes, form: "plain" };
    } catch (error) {
      throw chunkError(key, error);
    }
  }

  /** A chunk out of gzip; `undefined` where the platform's decoder is to say what is wrong with it, or takes more. */
  #gunzip(bytes: Uint8Array, memoryFor: (size: number) => Uint8Array): Uint8Array | undefined {
    if (gzip === undefined) gzip = createGzipDecoder();
    if (gzip === null) return undefined;
    const memory = memoryFor(this.#size);
    return gzip.decodeTo(bytes, memory) ? memory : undefined;
  }
}

function wrongLength(found: number, expected: number): LazyImageError {
  return new LazyImageError("ERR_CORRUPT", `decodes to ${found} bytes; the chunk shape needs ${expected}`);
}

/** Checks and removes the CRC-32C at the end (Zarr v3, crc32c 1.0). */
export function withoutChecksum(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 4) throw new LazyImageError("ERR_CORRUPT", "is too short for its checksum");
  const data = bytes.subarray(0, bytes.length - 4);
  const stated = new DataView(bytes.buffer, bytes.byteOffset + data.length, 4).getUint32(0, true);
  const found = crc32c(data);
  if (stated !== found) {
    throw new LazyImageError(
      "ERR_CHECKSUM",
      `has CRC-32C ${found.toString(16)}; ${stated.toString(16)} is stated`,
    );
  }
  return data;
}
