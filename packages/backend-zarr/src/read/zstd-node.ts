import * as zlib from "node:zlib";

type Decompress = (bytes: Uint8Array, options: { maxOutputLength: number; chunkSize: number }) => Uint8Array;

type Compress = (bytes: Uint8Array, options: { params: Record<number, number> }) => Uint8Array;

const { zstdDecompressSync: native, zstdCompressSync: compress } = zlib as {
  readonly zstdDecompressSync?: Decompress;
  readonly zstdCompressSync?: Compress;
};

/** Node's own decoder, from 22.15 on: for where the kernel does not run, which takes no longer. */
export const nativeZstd: ((bytes: Uint8Array, size: number) => Uint8Array) | undefined =
  native &&
  ((bytes, size) => native(bytes, { maxOutputLength: Math.max(1, size), chunkSize: Math.max(64, size) }));

/** ZSTD_c_compressionLevel in zstd.h. */
const COMPRESSION_LEVEL = 100;

/** Node's own encoder, from 22.15 on. */
export const nativeZstdEncode: ((bytes: Uint8Array, level: number) => Uint8Array) | undefined =
  compress && ((bytes, level) => compress(bytes, { params: { [COMPRESSION_LEVEL]: level } }));
