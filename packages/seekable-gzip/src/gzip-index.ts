import type { Checksums } from "./checksums.js";

/** A place in a gzip file where inflating can begin. */
export interface GzipPoint {
  /** Compressed position in bits. */
  readonly bit: number;
  /** Uncompressed position in bytes. */
  readonly offset: number;
  /** The (at most) 32768 bytes of output before it; `null` at the beginning of a member's deflate data. */
  readonly window: Uint8Array | null;
}

/** Checkpoints of a whole gzip file. */
export interface GzipIndex {
  /** Bytes of the file. */
  readonly compressedSize: number;
  /** Bytes of what it holds. */
  readonly size: number;
  /** Least uncompressed distance of two points, in bytes. */
  readonly spacing: number;
  /** In order; the first is the end of the first member's header. */
  readonly points: readonly GzipPoint[];
  /** CRC32 of the output, in parts; indexes of other programs have none. */
  readonly checksums?: Checksums | undefined;
}

/** Index of the last of `points` at or before uncompressed position `offset`; -1 where there is none. */
export function pointBefore(points: readonly GzipPoint[], offset: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (points[middle]!.offset <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
