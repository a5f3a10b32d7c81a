import type { ByteReadOptions, ByteSource } from "@lazyimg/core";
import { LazyImageError } from "@lazyimg/core";
import { onAbort, SharedWork } from "@lazyimg/core/abort";
import type { Memory } from "./buffer-pool.js";
import { type Checksums, UNKNOWN } from "./checksums.js";
import { readIndex, writeIndex } from "./gzidx.js";
import { type GzipIndex, type GzipPoint, pointBefore } from "./gzip-index.js";
import type { IndexCache } from "./index-cache.js";
import { HEAD, isDataError, Pass } from "./pass.js";
import { contradiction, loadSidecar, type Sidecar } from "./sidecar.js";
import { compressedLength, type Span, sizeOf } from "./span-decoder.js";
import { SpanReader } from "./span-reader.js";

/** Least uncompressed distance of checkpoints: what a random read inflates on average before it has what it wants. */
export const DEFAULT_SPACING: number = 1 << 20;

/** Most bytes that a stream takes from the pass at once. */
const PIECE = 1 << 18;
/** Spans that one read or stream has in flight. */
const PARALLEL = 4;
// Deflate's best case: a match of 258 bytes in two bits (RFC 1951), with some room.
const MOST_EXPANSION = 1040;

/** Options of `gzipSource`. */
export interface GzipSourceOptions {
  /** Least uncompressed distance of checkpoints in bytes (1 MiB); it doubles where a file is so large that they would be too many. */
  readonly spacing?: number | undefined;
  /**
   * An index of this file in indexed_gzip's format, possibly gzipped. It is looked at when a read goes behind the first
   * 16 KiB, where headers are. One that does not match is not used; see `onWarning`.
   */
  readonly sidecar?: Sidecar | undefined;
  /** The file's first bytes, where they were read before: they are not read again. */
  readonly head?: Uint8Array | undefined;
  /** Told why a sidecar or a cached index is not used. `console.warn` where this is left out. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Where indexes are kept between runs; needs `cacheKey`, and a source with a `version`. */
  readonly cache?: IndexCache | undefined;
  /** Names the file in `cache`, usually its URL or path. */
  readonly cacheKey?: string | undefined;
}

/** A `ByteSource` inside a gzip file. */
export interface GzipSource extends ByteSource {
  /** The complete index, once a pass has reached the end or a sidecar was accepted; `null` before. */
  index(): GzipIndex | null;
}

/** What is known of where checkpoints are. */
interface Checkpoints {
  readonly points: readonly GzipPoint[];
  readonly checksums: Checksums | null;
  /** Uncompressed and compressed bytes that the points cover. */
  readonly size: number;
  readonly compressed: number;
  readonly complete: boolean;
}

/**
 * Random access to what a gzip file holds (RFC 1951, RFC 1952; members one after another and BGZF too), or a zlib stream
 * (RFC 1950), without inflating it from the start each time.
 *
 * The first read inflates up to what it needs and leaves checkpoints behind; later reads begin at the nearest one, and a
 * read further on continues. With a sidecar, nothing but the spans that are asked for is fetched and inflated.
 *
 * What the pass inflates is checked against CRC32 and ISIZE when it reaches a member's end, and a file that fails a
 * check answers no more reads. Bytes handed out before are not yet checked: gzip has no checksum of a part. What is
 * inflated again must have the CRC32 that the pass found there. Sidecars made by other programs have no such checksums:
 * with them, a span must decode to exactly what lies between its checkpoints.
 *
 * `name` is the inner name without `.gz`; `size()` is `null` until the end was seen or a sidecar tells;
 * `version()` is the inner one; `close()` closes `inner`.
 *
 * Reads reject with ERR_CORRUPT, ERR_CHECKSUM or ERR_TRUNCATED where the data are bad, ERR_CLOSED after `close()`.
 */
export function gzipSource(inner: ByteSource, options: GzipSourceOptions = {}): GzipSource {
  const warn = options.onWarning ?? ((message: string) => console.warn(message));
  const spacing = options.spacing ?? DEFAULT_SPACING;
  if (!(spacing >= 65536)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `\`spacing\` is ${spacing}; it must be 65536 bytes or more.`,
    );
  }
  const spans = new SpanReader(inner);
  const { head } = options;
  const pass = new Pass(inner, spacing, { head });
  let given: GzipIndex | null = null;
  let closed = false;
  let opening: SharedWork<void> | null = null;
  /** Bytes of the gzip file, once that is known. */
  let compressedSize: number | null = null;

  const check = (): void => {
    if (closed)
      throw new LazyImageError(
        "ERR_CLOSED",
        `${inner.name ?? "This gzip source"} was closed before. Open it again.`,
      );
    if (given === null) pass.check();
  };

  const cacheKey = async (signal?: AbortSignal): Promise<string | null> => {
    if (options.cache === undefined || options.cacheKey === undefined) return null;
    const version = await inner.version?.({ signal });
    return version === undefined || version === null ? null : `${options.cacheKey}@${version}`;
  };
  pass.onIndex = (index) => {
    (async () => {
      const key = await cacheKey();
      if (key !== null) await options.cache!.set(key, writeIndex(index));
    })().catch((error: unknown) => warn(`The gzip index could not be cached: ${message(error)}`));
  };

  /** Takes the cached index or the sidecar, once, for all readers. */
  const open = async (signal: AbortSignal): Promise<void> => {
    const sources: [string, () => Promise<GzipIndex | null>][] = [];
    const { sidecar, cache } = options;
    if (cache !== undefined) {
      sources.push([
        "The cached gzip index",
        async () => {
          const key = await cacheKey(signal);
          const bytes = key === null ? null : await cache.get(key);
          return bytes === null ? null : readIndex(bytes);
        },
      ]);
    }
    if (sidecar !== undefined) {
      sources.push(["The gzip index beside the file", () => loadSidecar(sidecar, signal)]);
    }
    for (const [what, load] of sources) {
      try {
        const index = await load();
        if (index === null) continue;
        const reason = await contradiction(index, inner, { head, signal });
        if (reason === null) {
          given = index;
          return;
        }
        warn(`${what} is not used: ${reason}.`);
      } catch (error) {
        signal.throwIfAborted();
        warn(`${what} is not used: ${message(error)}`);
      }
    }
  };
  /** Looks for an index before a read up to `end`, unless that only wants the beginning, which takes none. */
  const ready = async (end: number, signal?: AbortSignal): Promise<void> => {
    check();
    signal?.throwIfAborted();
    // Free once something was read; before, it may cost a request.
    if (head !== undefined || pass.consumed > 0) compressedSize ??= await inner.size({ signal });
    if (end <= HEAD || (options.sidecar === undefined && options.cache === undefined)) return;
    if (opening === null || opening.abandoned) opening = new SharedWork(open);
    await opening.join(signal);
    check();
  };

  /**
   * Bad data under a given index: whether to read again without it. Where another of its spans is right, the index is
   * that of this file, and the file is bad.
   */
  const distrust = async (used: GzipIndex | null, error: unknown, signal?: AbortSignal): Promise<boolean> => {
    if (used === null || !isDataError(error)) return false;
    if (given !== used) return true;
    const all = spansOf(known(), 0, used.size).filter((span) => SpanReader.holds(span));
    for (const span of all.length > 1 ? [all[0]!, all[all.length - 1]!] : []) {
      try {
        await spans.part(span, span.start.offset, span.endOffset, new Uint8Array(sizeOf(span)), signal);
        return false;
      } catch (problem) {
        if (!isDataError(problem)) throw problem;
      }
    }
    if (given === used) {
      given = null;
      spans.clear();
      warn(`The gzip index is not used any more: ${message(error)}`);
    }
    return true;
  };

  const known = (): Checkpoints => {
    const index = given ?? pass.index;
    if (index !== null) return checkpointsOf(index);
    return {
      points: pass.points,
      checksums: pass.checksums,
      size: pass.reach,
      compressed: pass.consumed,
      complete: false,
    };
  };

  async function read(
    offset: number,
    length: number,
    readOptions: ByteReadOptions = {},
  ): Promise<Uint8Array> {
    const { signal, into } = readOptions;
    requireRange(offset, length);
    await ready(offset + length, signal);
    const target = into ?? new Uint8Array(await allocatable(offset, length, signal));
    const end = offset + Math.min(length, target.length);
    for (;;) {
      const used = given;
      try {
        const filled = await readInto(target, offset, end, signal);
        check();
        return target.subarray(0, filled);
      } catch (error) {
        if (!(await distrust(used, error, signal))) throw error;
      }
    }
  }

  /** At most `length`, and no more than the file can hold from `offset` on. */
  async function allocatable(offset: number, length: number, signal?: AbortSignal): Promise<number> {
    const map = known();
    if (map.complete) return Math.max(0, Math.min(length, map.size - offset));
    if (length <= 1 << 20) return length;
    compressedSize ??= await inner.size({ signal });
    if (compressedSize === null) return length;
    return Math.max(0, Math.min(length, compressedSize * MOST_EXPANSION - offset));
  }

  /** Fills `target` with `[offset, end)`; returns how many bytes there were. */
  async function readInto(
    target: Uint8Array,
    offset: number,
    end: number,
    signal?: AbortSignal,
  ): Promise<number> {
    signal?.throwIfAborted();
    if (end <= offset) return 0;
    const map = known();
    const behindEnd = Math.min(end, map.size);
    let filled = Math.max(0, behindEnd - offset);
    const tasks: Promise<unknown>[] = [];
    // One part failing ends the others.
    const failed = new AbortController();
    const stay = signal && onAbort(signal, () => failed.abort(signal.reason));
    const run = (task: Promise<unknown>): void => {
      tasks.push(task);
      task.catch((error: unknown) => failed.abort(error));
    };
    try {
      if (!map.complete && end >= map.size) {
        const from = Math.max(offset, map.size);
        const deliver = (bytes: Uint8Array, at: number): void => {
          target.set(bytes, at - offset);
          filled = Math.max(filled, at + bytes.length - offset);
        };
        run(pass.read(from, end, deliver, { signal: failed.signal }));
      }
      const wanted = spansOf(map, offset, behindEnd);
      const next = wanted[Symbol.iterator]();
      const many = wanted.length > 2;
      const lane = async (): Promise<void> => {
        for (const span of { [Symbol.iterator]: () => next }) {
          const from = Math.max(offset, span.start.offset);
          const to = Math.min(behindEnd, span.endOffset);
          const place = target.subarray(from - offset, to - offset);
          const whole = to - from === sizeOf(span);
          if (SpanReader.holds(span) && many && whole && !spans.has(span)) {
            await spans.whole(span, failed.signal, place);
          } else if (SpanReader.holds(span)) {
            await spans.part(span, from, to, place, failed.signal);
          } else {
            let at = from;
            for await (const piece of spans.stream(span, from, to, failed.signal)) {
              target.set(piece, at - offset);
              at += piece.length;
            }
          }
        }
      };
      const lanes = many ? PARALLEL : wanted.length;
      for (let i = 0; i < lanes; i++) run(lane());
      await Promise.all(tasks);
      return filled;
    } catch (error) {
      signal?.throwIfAborted();
      await Promise.allSettled(tasks);
      throw failed.signal.aborted ? failed.signal.reason : error;
    } finally {
      stay?.();
    }
  }

  async function* stream(
    offset: number,
    length: number,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<Uint8Array> {
    if (length !== Number.POSITIVE_INFINITY) requireRange(offset, length);
    const end = offset + length;
    await ready(end, signal);
    let at = offset;
    let memory: Uint8Array | null = null;
    while (at < end) {
      check();
      signal?.throwIfAborted();
      const used = given;
      const map = known();
      if (map.complete && at >= map.size) return;
      try {
        if (at < map.size) {
          for await (const piece of behind(map, at, Math.min(end, map.size), signal)) {
            yield piece;
            at += piece.length;
          }
          continue;
        }
        memory ??= new Uint8Array(PIECE);
        const piece = await ahead(at, end, memory, signal);
        if (piece === null) return;
        // The last piece is not handed out before the trailer was checked, if this is the file's end.
        if (at + piece.length === end) await pass.read(end, end, () => undefined, { signal });
        yield piece;
        at += piece.length;
      } catch (error) {
        if (!(await distrust(used, error, signal))) throw error;
      }
    }
  }

  /**
   * The next bytes that the pass gives at `at`; `null` at the end. They are copied to `memory`, aligned as in the file:
   * while the consumer has them, the pass may go on.
   */
  async function ahead(
    at: number,
    end: number,
    memory: Uint8Array,
    signal?: AbortSignal,
  ): Promise<Uint8Array | null> {
    let piece: Uint8Array | null = null;
    const deliver = (bytes: Uint8Array): void => {
      piece = memory.subarray(at % 8, (at % 8) + bytes.length);
      piece.set(bytes);
    };
    await pass.read(at, Math.min(end, at + memory.length - 8), deliver, { signal, first: true });
    return piece;
  }

  /** Streams what a pass has passed or an index covers, a few spans ahead of the consumer. */
  async function* behind(
    map: Checkpoints,
    from: number,
    to: number,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    signal?.throwIfAborted();
    const wanted = spansOf(map, from, to);
    const left = new AbortController();
    const stay = signal && onAbort(signal, () => left.abort(signal.reason));
    const coming: Promise<Memory>[] = [];
    // What is taken whole is lent memory that is used again; what is taken in part may be wanted again.
    const begin = async (span: Span): Promise<Memory> => {
      const start = Math.max(from, span.start.offset);
      const stop = Math.min(to, span.endOffset);
      if (stop - start === sizeOf(span) && !spans.has(span)) return spans.whole(span, left.signal);
      const memory = new Uint8Array((start % 8) + stop - start);
      const bytes = memory.subarray(start % 8);
      await spans.part(span, start, stop, bytes, left.signal);
      return { bytes, release: () => undefined };
    };
    let next = 0;
    try {
      for (let i = 0; i < wanted.length; i++) {
        const span = wanted[i]!;
        if (!SpanReader.holds(span)) {
          next = Math.max(next, i + 1);
          const start = Math.max(from, span.start.offset);
          yield* spans.stream(span, start, Math.min(to, span.endOffset), left.signal);
          continue;
        }
        for (next = Math.max(next, i); next < wanted.length && next < i + PARALLEL; next++) {
          if (!SpanReader.holds(wanted[next]!)) break;
          coming[next] = begin(wanted[next]!);
          coming[next]!.catch(() => undefined);
        }
        const { bytes, release } = await coming[i]!;
        delete coming[i];
        signal?.throwIfAborted();
        yield bytes;
        release();
      }
    } finally {
      stay?.();
      left.abort(new LazyImageError("ERR_ABORTED_BY_SOURCE", "The stream was left."));
    }
  }

  return {
    name: inner.name?.replace(/\.gz$/i, ""),
    // What lies between is inflated anyway, but for what is left of a span behind the last byte that is wanted of it.
    gap: Math.max(inner.gap, spacing / 4),
    async size(sizeOptions): Promise<number | null> {
      await ready(Number.POSITIVE_INFINITY, sizeOptions?.signal);
      const map = known();
      return map.complete ? map.size : null;
    },
    read,
    stream,
    ...(inner.version && { version: inner.version.bind(inner) }),
    ...(inner.modified && { modified: inner.modified.bind(inner) }),
    cost(offset, length) {
      const map = known();
      const end = offset + length;
      let { bytes, requests } = spanCost(map, offset, end, (span) => spans.has(span));
      if (!map.complete && end > pass.produced) {
        // How well what lies ahead compresses is a guess from what was passed; 1 : 2 where nothing was.
        const ratio = pass.produced > 0 ? pass.consumed / pass.produced : 0.5;
        const left = (compressedSize ?? Number.POSITIVE_INFINITY) - pass.consumed;
        bytes += Math.min(left, Math.ceil((end - pass.produced) * ratio));
        requests++;
      }
      return { bytes, requests, peakBytes: requests === 0 ? 0 : MOST_PEAK };
    },
    index: () => given ?? pass.index,
    async close(): Promise<void> {
      if (closed) return;
      closed = true;
      spans.clear();
      await pass.close(new LazyImageError("ERR_CLOSED", `${inner.name ?? "This gzip source"} was closed.`));
      await inner.close?.();
    },
  };
}

/** Kernels, spans in flight and spans kept. */
const MOST_PEAK: number = 20 << 20;

/**
 * Makes the whole pass: an index of every checkpoint, with all of the file's CRC32 and ISIZE checked.
 *
 * @throws LazyImageError ERR_CORRUPT, ERR_CHECKSUM or ERR_TRUNCATED where the file is bad
 */
export async function buildIndex(
  inner: ByteSource,
  options: {
    readonly spacing?: number | undefined;
    readonly signal?: AbortSignal | undefined;
    /** Told how many compressed bytes were taken in. */
    readonly onProgress?:
      | ((done: { readonly bytes: number; readonly totalBytes: number | null }) => void)
      | undefined;
  } = {},
): Promise<GzipIndex> {
  const { onProgress, signal } = options;
  const totalBytes = onProgress === undefined ? null : await inner.size({ signal });
  const pass = new Pass(inner, options.spacing ?? DEFAULT_SPACING, {
    onProgress: onProgress && ((bytes) => onProgress({ bytes, totalBytes })),
  });
  await pass.read(0, Number.POSITIVE_INFINITY, () => undefined, { signal });
  return pass.index!;
}

function checkpointsOf(index: GzipIndex): Checkpoints {
  return {
    points: index.points,
    checksums: index.checksums ?? null,
    size: index.size,
    compressed: index.compressedSize,
    complete: true,
  };
}

/** What it takes to read `[from, to)` as far as there are checkpoints, but for spans that are there. */
function spanCost(
  map: Checkpoints,
  from: number,
  to: number,
  has: (span: Span) => boolean,
): { bytes: number; requests: number } {
  const needed = spansOf(map, from, Math.min(to, map.size)).filter((span) => !has(span));
  return { bytes: needed.reduce((sum, span) => sum + compressedLength(span), 0), requests: needed.length };
}

/** What it takes to read a range through an index. */
export function costThrough(
  index: GzipIndex,
  offset: number,
  length: number,
): { bytes: number; requests: number; peakBytes: number } {
  return { ...spanCost(checkpointsOf(index), offset, offset + length, () => false), peakBytes: MOST_PEAK };
}

/** The spans that `[from, to)` touches. */
function spansOf(map: Checkpoints, from: number, to: number): Span[] {
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

function requireRange(offset: number, length: number): void {
  if (!(Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(length) && length >= 0)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `Bytes ${offset} to ${offset} + ${length}: both must be whole numbers from 0 on.`,
    );
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
