import { type BloscEncoder, createBloscEncoder } from "@lazyimg/codecs";
import { gzip } from "#inflate";
import { nativeZstdEncode } from "#zstd";
import { crc32c } from "../read/crc32c.js";
import type { WritePlan } from "./options.js";

/** Encodes one chunk. */
export type ChunkEncoder = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;

let blosc: BloscEncoder | undefined;

/** The encoder of a plan; libraries are loaded when first needed. */
export async function chunkEncoder(
  { codec, compressionLevel }: WritePlan,
  itemSize: number,
): Promise<ChunkEncoder> {
  switch (codec) {
    case "blosc": {
      blosc ??= createBloscEncoder();
      const encoder = blosc;
      return (bytes) => encoder.encode(bytes, { typeSize: itemSize });
    }
    case "gzip":
      return (bytes) => gzip(bytes, compressionLevel);
    case "zstd": {
      if (nativeZstdEncode !== undefined) return (bytes) => nativeZstdEncode!(bytes, compressionLevel);
      const { default: Zstd } = await import("numcodecs/zstd");
      const instance = Zstd.fromConfig({ id: "zstd", level: compressionLevel });
      return async (bytes) => instance.encode(bytes);
    }
    case "none":
      // The buffer is used for the next chunk.
      return (bytes) => bytes.slice();
  }
}

/** A shard: its chunks, then their places, then the CRC-32C of those (sharding_indexed 1.0). */
export function shardOf(chunks: readonly (Uint8Array | undefined)[]): Uint8Array {
  const data = chunks.reduce((sum, chunk) => sum + (chunk?.length ?? 0), 0);
  const bytes = new Uint8Array(data + 16 * chunks.length + 4);
  const index = new DataView(bytes.buffer, data);
  let at = 0;
  for (const [n, chunk] of chunks.entries()) {
    index.setBigUint64(16 * n, chunk === undefined ? 2n ** 64n - 1n : BigInt(at), true);
    index.setBigUint64(16 * n + 8, chunk === undefined ? 2n ** 64n - 1n : BigInt(chunk.length), true);
    if (chunk === undefined) continue;
    bytes.set(chunk, at);
    at += chunk.length;
  }
  index.setUint32(16 * chunks.length, crc32c(bytes.subarray(data, bytes.length - 4)), true);
  return bytes;
}
