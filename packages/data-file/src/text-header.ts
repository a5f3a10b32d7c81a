import { type ByteSource, LazyImageError } from "@lazyimg/core";

/** What is read at first: most headers, in one request. */
const FIRST = 4096;
/** A header that has not ended by here is none. Long ones list gradients, or files. */
const MOST = 1 << 21;

/**
 * Reads a header in text from the beginning of a file: 4 KiB, and more where it does not end there.
 *
 * @param end where the header ends in these bytes, the byte behind its last line; `null` where it goes on. `whole` tells
 * that the file ends with them.
 * @returns the header as text (UTF-8), and how many bytes it has
 * @throws LazyImageError `ERR_HEADER` when it has no end within 2 MiB or the file
 */
export async function readTextHeader(
  source: ByteSource,
  end: (bytes: Uint8Array, whole: boolean) => number | null,
  what: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<{ readonly text: string; readonly length: number }> {
  for (let most = FIRST; ; most *= 8) {
    const bytes = await source.read(0, most, options);
    const whole = bytes.length < most;
    const length = end(bytes, whole);
    if (length !== null) return { text: new TextDecoder().decode(bytes.subarray(0, length)), length };
    if (whole || most >= MOST) {
      throw new LazyImageError(
        "ERR_HEADER",
        `${what} has no end of its header in its first ${bytes.length} bytes; it is another format or damaged.`,
      );
    }
  }
}
