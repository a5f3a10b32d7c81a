import * as zlib from "node:zlib";

/** Node's own CRC-32, several times faster than tables; from 20.15 and 22.2 on. */
export const nativeCrc32: ((bytes: Uint8Array, crc: number) => number) | undefined = (
  zlib as { crc32?: (bytes: Uint8Array, crc: number) => number }
).crc32;
