import { LazyImageError } from "@lazyimg/core";

/** The shortest module there is: magic and version. */
const EMPTY = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/**
 * Checks that there is WebAssembly, for a decoder that is nothing else.
 *
 * @throws LazyImageError `ERR_UNSUPPORTED` where it is missing or forbidden
 */
export async function needWebAssembly(codec: string): Promise<void> {
  try {
    await WebAssembly.compile(EMPTY);
  } catch (cause) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `${codec} is decoded with WebAssembly, which is missing or forbidden here; a Content-Security-Policy needs 'wasm-unsafe-eval'`,
      { cause },
    );
  }
}
