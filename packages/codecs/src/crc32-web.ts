/** Browsers offer no CRC-32. */
export const nativeCrc32: ((bytes: Uint8Array, crc: number) => number) | undefined = undefined;
