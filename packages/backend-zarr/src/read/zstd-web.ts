/** No browser decompresses zstd for scripts yet. */
export const nativeZstd: ((bytes: Uint8Array, size: number) => Uint8Array) | undefined = undefined;
export const nativeZstdEncode: ((bytes: Uint8Array, level: number) => Uint8Array) | undefined = undefined;
