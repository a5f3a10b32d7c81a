import type { ByteReadOptions, ByteSource } from "@lazyimg/core";
import { LazyImageError } from "@lazyimg/core";
import { type Checkpoints, checkpointsOf, costOf, MOST_PEAK, spansOf } from "./checkpoints.js";
import { GivenIndex, type IndexOptions } from "./given-index.js";
import type { GzipIndex } from "./gzip-index.js";
import { HEAD, isDataError, Pass, spacingFor } from "./pass.js";
import { SpanReader } from "./span-reader.js";
import { type Task, together } from "./together.js";

/** Most bytes that a stream takes from the pass at once. */
const PIECE = 1 << 18;
// Deflate's best case: a match of 258 bytes in two bits (RFC 1951), with some room.
const MOST_EXPANSION = 1040;

/** Options of `gzipSource`. */
export interface GzipSourceOptions extends IndexOptions {
  /** Least uncompressed distance of checkpoints in bytes (512 KiB, 1 MiB on servers); it doubles where a file is so large that they would be too many. */
  readonly spacing?: number | undefined;
}

/** A `ByteSource` inside a gzip file. */
export interface GzipSource extends ByteSource {
  /** The complete index, once a pass has reached the end or a sidecar was accepted; `null` before. */
  index(): GzipIndex | null;
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
 *
 * @throws LazyImageError ERR_INVALID_ARGUMENT for a spacing below 64 KiB
 */
export function gzipSource(inner: ByteSource, options: GzipSourceOptions = {}): GzipSource {
  const { spacing = spacingFor(inner), head } = options;
  const spans = new SpanReader(inner);
  const given = new GivenIndex(inner, options);
  const pass = new Pass(inner, { spacing, head });
  pass.onIndex = (index) => void given.keep(index);
  let closed = false;
  /** Bytes of the gzip file, once that is known. */
  let compressedSize: number | null = null;

  const check = (): void => {
    if (closed)
      throw new LazyImageError(
        "ERR_CLOSED",
        `${inner.name ?? "This gzip source"} was closed before. Open it again.`,
      );
    if (given.index === null) pass.check();
  };

  /** Before a read up to `end`: looks for an index, unless that only wants the beginning, which takes none. */
  const ready = async (end: number, signal?: AbortSignal): Promise<void> => {
    check();
    signal?.throwIfAborted();
    // Free once something was read; before, it may cost a request.
    if (head !== undefined || pass.consumed > 0) compressedSize ??= await inner.size({ signal });
    if (end <= HEAD) return;
    await given.load(signal);
    check();
  };

  const known = (): Checkpoints => {
    const index = given.index ?? pass.index;
    if (index !== null) return checkpointsOf(index);
    return {
      points: pass.points,
      checksums: pass.checksums,
      size: pass.reach,
      compressed: pass.consumed,
      complete: false,
    };
  };

  /**
   * Bad data under a given index: whether to read again without it. Where another of its spans is right, the index is
   * that of this file, and the file is bad.
   */
  const distrust = async (used: GzipIndex | null, error: unknown, signal?: AbortSignal): Promise<boolean> => {
    if (used === null || !isDataError(error)) return false;
    if (given.index !== used) return true;
    if (await spans.confirms(spansOf(checkpointsOf(used), 0, used.size), signal)) return false;
    if (given.index === used) {
      spans.clear();
      given.drop(error);
    }
    return true;
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
      const used = given.index;
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
    const tasks: Task[] = [];
    if (!map.complete && end >= map.size) {
      const deliver = (bytes: Uint8Array, at: number): void => {
        target.set(bytes, at - offset);
        filled = Math.max(filled, at + bytes.length - offset);
      };
      tasks.push((shared) => pass.read(Math.max(offset, map.size), end, deliver, { signal: shared }));
    }
    if (behindEnd > offset) {
      const wanted = spansOf(map, offset, behindEnd);
      tasks.push((shared) => spans.fill(wanted, offset, behindEnd, target, shared));
    }
    await together(tasks, signal);
    return filled;
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
      const used = given.index;
      const map = known();
      if (map.complete && at >= map.size) return;
      try {
        if (at < map.size) {
          const to = Math.min(end, map.size);
          for await (const piece of spans.stream(spansOf(map, at, to), at, to, signal)) {
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
      const cost = costOf(map, offset, end, (span) => spans.has(span, offset, end));
      if (map.complete || end <= pass.produced) return cost;
      // How well what lies ahead compresses is a guess from what was passed; 1 : 2 where nothing was.
      const ratio = pass.produced > 0 ? pass.consumed / pass.produced : 0.5;
      const left = (compressedSize ?? Number.POSITIVE_INFINITY) - pass.consumed;
      return {
        bytes: cost.bytes + Math.min(left, Math.ceil((end - pass.produced) * ratio)),
        requests: cost.requests + 1,
        peakBytes: MOST_PEAK,
      };
    },
    index: () => given.index ?? pass.index,
    async close(): Promise<void> {
      if (closed) return;
      closed = true;
      spans.clear();
      await pass.close(new LazyImageError("ERR_CLOSED", `${inner.name ?? "This gzip source"} was closed.`));
      await inner.close?.();
    },
  };
}

function requireRange(offset: number, length: number): void {
  if (!(Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(length) && length >= 0)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `Bytes ${offset} to ${offset} + ${length}: both must be whole numbers from 0 on.`,
    );
  }
}
