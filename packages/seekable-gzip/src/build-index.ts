import type { ByteSource } from "@lazyimg/core";
import type { GzipIndex } from "./gzip-index.js";
import { Pass } from "./pass.js";

/** A sidecar is fetched whole before the first read: half the checkpoints that a pass leaves in memory. */
const SPACING = 1 << 20;

/**
 * Makes the whole pass: an index of every checkpoint, with all of the file's CRC32 and ISIZE checked.
 *
 * @throws LazyImageError ERR_CORRUPT, ERR_CHECKSUM or ERR_TRUNCATED where the file is bad; ERR_INVALID_ARGUMENT for a
 *   spacing below 64 KiB
 */
export async function buildIndex(
  inner: ByteSource,
  options: {
    /** Least uncompressed distance of checkpoints in bytes (1 MiB). */
    readonly spacing?: number | undefined;
    readonly signal?: AbortSignal | undefined;
    /** Told how many compressed bytes were taken in. */
    readonly onProgress?:
      | ((done: { readonly bytes: number; readonly totalBytes: number | null }) => void)
      | undefined;
  } = {},
): Promise<GzipIndex> {
  const { onProgress, signal, spacing = SPACING } = options;
  const totalBytes = onProgress === undefined ? null : await inner.size({ signal });
  const pass = new Pass(inner, {
    spacing,
    onProgress: onProgress && ((bytes) => onProgress({ bytes, totalBytes })),
  });
  await pass.read(0, Number.POSITIVE_INFINITY, () => undefined, { signal });
  return pass.index!;
}
