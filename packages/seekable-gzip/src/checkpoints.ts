import type { ByteSource } from "@lazyimg/core";
import { type Checksums, UNKNOWN } from "./checksums.js";
import { type GzipIndex, type GzipPoint, pointBefore } from "./gzip-index.js";
import { compressedLength, type Span } from "./span-decoder.js";

/** What is known of where checkpoints are. */
export interface Checkpoints {
  readonly points: readonly GzipPoint[];
  readonly checksums: Checksums | null;
  /** Uncompressed and compressed bytes that the points cover. */
  readonly size: number;
  readonly compressed: number;
  readonly complete: boolean;
}

/** Those of a whole file. */
export function checkpointsOf(index: GzipIndex): Checkpoints {
  return {
    points: index.points,
    checksums: index.checksums ?? null,
    size: index.size,
    compressed: index.compressedSize,
    complete: true,
  };
}

/** What a read takes; see `ByteSource.cost`. */
export type Cost = ReturnType<NonNullable<ByteSource["cost"]>>;

/** Spans in flight and kept, decoders, and what allocators keep of them. */
export const MOST_PEAK: number = 24 << 20;

/** What it takes to read `[from, to)` as far as there are checkpoints, but for spans that `has` says are there. */
export function costOf(
  map: Checkpoints,
  from: number,
  to: number,
  has: (span: Span) => boolean = () => false,
): Cost {
  const needed = spansOf(map, from, Math.min(to, map.size)).filter((span) => !has(span));
  const bytes = needed.reduce((sum, span) => sum + compressedLength(span), 0);
  return { bytes, requests: needed.length, peakBytes: needed.length === 0 ? 0 : MOST_PEAK };
}

/** The spans that `[from, to)` touches. */
export function spansOf(map: Checkpoints, from: number, to: number): Span[] {
  const spans: Span[] = [];
  const { points, checksums } = map;
  if (to <= from) return spans;
  for (let i = Math.max(0, pointBefore(points, from)); i < points.length; i++) {
    const start = points[i]!;
    if (start.offset >= to) break;
    const end = points[i + 1] ?? null;
    const endOffset = end === null ? map.size : end.offset;
    spans.push({
      start,
      end,
      endOffset,
      compressedEnd: map.compressed,
      open: end === null && !map.complete,
      // Its header has 2 bytes, that of gzip 10 or more.
      zlib: points[0]!.bit === 16,
      checks: checksums && {
        grains: checksums.grains,
        head: checksums.heads[i] ?? UNKNOWN,
        tail: checksums.heads[i + 1] ?? UNKNOWN,
      },
    });
  }
  return spans;
}
