import { type BackendRequest, type ByteSource, describeRequest, LazyImageError } from "@lazyimg/core";
import { openDataFile } from "./data-file.js";
import type { DataFile } from "./open-file.js";

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

/** How a format has its header in text. */
export interface TextFormat<Header> {
  /** Where the header ends in these bytes, as `readTextHeader` asks. */
  readonly end: (bytes: Uint8Array, whole: boolean) => number | null;
  /** What the text says. @param what names the image in errors */
  readonly parse: (text: string, what: string) => Header;
}

/**
 * Reads a header in text, and opens the file that it names as the one with the voxels. What was opened is closed when that
 * fails, and the header's file when the voxels are in another.
 *
 * @param source the file with the header, from its beginning
 * @returns the header; the file with the voxels, and the byte of it behind the header, 0 where that is another file
 * @throws LazyImageError as `readTextHeader`, the format's `parse` and `openDataFile`
 */
export async function openTextHeader<Header extends { readonly dataFile?: string | undefined }>(
  request: BackendRequest,
  source: ByteSource,
  { end, parse }: TextFormat<Header>,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<{ readonly header: Header; readonly file: DataFile; readonly begin: number }> {
  try {
    const what = describeRequest(request);
    const { text, length } = await readTextHeader(source, end, what, options);
    const header = parse(text, what);
    if (header.dataFile === undefined) return { header, file: { source }, begin: length };
    const file = await openDataFile(request, header.dataFile, options);
    await source.close?.();
    return { header, file, begin: 0 };
  } catch (error) {
    await source.close?.();
    throw error;
  }
}
