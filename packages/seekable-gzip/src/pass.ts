import type { ByteSource } from "@lazyimg/core";
import { LazyImageError } from "@lazyimg/core";
import { onAbort } from "@lazyimg/core/abort";
import { Breather } from "./breathe.js";
import type { Checksums } from "./checksums.js";
import { GzipDecoder } from "./decoder.js";
import type { GzipIndex, GzipPoint } from "./gzip-index.js";
import { giveInflater, takeInflater } from "./inflater-pool.js";

/** What is fetched before it is known that more is needed: enough for any image header. */
export const HEAD = 16384;
/** Least uncompressed distance of checkpoints: what a random read inflates on average before it has what it wants. */
const SPACING = 1 << 19;
/** Where each read is a request to a server, which takes longer than to inflate so much. */
const FAR_SPACING = 1 << 20;
/** The gap of a source whose reads cost that much. */
const FAR = 1 << 16;

/** Whether every read of a file takes its time. */
export function isFar({ gap }: ByteSource): boolean {
  return gap > FAR;
}

/** The distance of checkpoints that suits a file. */
export function spacingFor(source: ByteSource): number {
  return isFar(source) ? FAR_SPACING : SPACING;
}

/** Windows are half of this: below it, an index takes as much memory as what it is of. */
const LEAST_SPACING = 65536;
/** How long a stream that nobody reads stays open, in case someone reads on. */
const IDLE = 1000;
/** Above this many points every second one is dropped: at most 32 MiB of windows. */
const MOST_POINTS = 1024;

interface Demand {
  readonly from: number;
  readonly end: number;
  /** Called with output from `at` on while it passes; the bytes are valid during the call. */
  deliver(bytes: Uint8Array, at: number): void;
  /** Resolve at the first delivery. */
  readonly first: boolean;
  resolve(): void;
  reject(reason: unknown): void;
}

/**
 * The one pass over a gzip file that all readers share: it inflates as far as someone wants, hands every piece to those
 * who want it, and leaves checkpoints behind. It stops where nobody wants more and goes on from there.
 *
 * What it inflates is checked: CRC32 and ISIZE at every member's end. Data that fail a check fail the pass for good.
 */
export class Pass {
  readonly #inner: ByteSource;
  /** There from the first read to the end. */
  #decoder: GzipDecoder | null = null;
  #points: GzipPoint[] = [];
  /** CRC32 of the output up to every point, and of every grain. */
  #heads: number[] = [];
  readonly #grains: number[] = [];
  #spacing: number;
  readonly #demands = new Set<Demand>();
  #running = false;
  #fed = 0;
  #piece: Uint8Array | null = null;
  #ended = false;
  #pieces: AsyncIterator<Uint8Array> | null = null;
  #pending: Promise<IteratorResult<Uint8Array>> | null = null;
  #io = new AbortController();
  #idle: ReturnType<typeof setTimeout> | undefined;
  #failure: { readonly reason: unknown } | null = null;
  #index: GzipIndex | null = null;
  readonly #head: Uint8Array | undefined;
  readonly #onProgress: ((compressed: number) => void) | undefined;
  /** Called once, when the end was reached and all checks passed. */
  onIndex: ((index: GzipIndex) => void) | undefined;

  /**
   * @param options `head`: the file's first bytes, if they are there already
   * @throws LazyImageError ERR_INVALID_ARGUMENT for a spacing below 64 KiB
   */
  constructor(
    inner: ByteSource,
    options: {
      readonly spacing?: number | undefined;
      readonly head?: Uint8Array | undefined;
      readonly onProgress?: ((compressed: number) => void) | undefined;
    },
  ) {
    const { spacing = spacingFor(inner), head, onProgress } = options;
    if (!(spacing >= LEAST_SPACING)) {
      throw new LazyImageError(
        "ERR_INVALID_ARGUMENT",
        `\`spacing\` is ${spacing}; it must be ${LEAST_SPACING} bytes or more.`,
      );
    }
    this.#inner = inner;
    this.#spacing = spacing;
    this.#head = head;
    this.#onProgress = onProgress;
  }

  /** The complete index, once the pass has reached the end. */
  get index(): GzipIndex | null {
    return this.#index;
  }

  get points(): readonly GzipPoint[] {
    return this.#points;
  }

  get checksums(): Checksums {
    return { grains: this.#grains, heads: this.#heads };
  }

  /** Uncompressed bytes passed. */
  get produced(): number {
    return this.#index?.size ?? this.#decoder?.inflater.produced ?? 0;
  }

  /** Compressed bytes taken in: all that was passed lies before. */
  get consumed(): number {
    return this.#fed;
  }

  /** Output from here on is still in memory, and `read` may begin there. */
  get reach(): number {
    return this.produced - (this.#decoder?.inflater.recent.length ?? 0);
  }

  /** Throws what ended the pass, if something did. */
  check(): void {
    if (this.#failure !== null) throw this.#failure.reason;
  }

  /**
   * Delivers `[from, end)` as it passes, or what of it there is; `from` is at or behind `reach`. Resolves when something
   * behind `end` has passed too, or the end of the file, checked. With `first`, at the first delivery.
   */
  read(
    from: number,
    end: number,
    deliver: (bytes: Uint8Array, at: number) => void,
    { signal, first = false }: { signal?: AbortSignal | undefined; first?: boolean } = {},
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      this.check();
      signal?.throwIfAborted();
      const leave = (): void => {
        this.#demands.delete(demand);
        if (this.#demands.size === 0) this.#io.abort();
        reject(signal!.reason);
      };
      let settled = (): void => undefined;
      const demand: Demand = {
        from,
        end,
        deliver,
        first,
        resolve: () => {
          settled();
          resolve();
        },
        reject: (reason) => {
          settled();
          reject(reason);
        },
      };
      const { produced } = this;
      if (this.#decoder !== null && from < produced) {
        const { recent } = this.#decoder.inflater;
        deliver(
          recent.subarray(recent.length - (produced - from), recent.length - Math.max(0, produced - end)),
          from,
        );
        if (first || end < produced) {
          resolve();
          return;
        }
      }
      if (this.#index !== null) {
        resolve();
        return;
      }
      if (signal !== undefined) settled = onAbort(signal, leave);
      this.#demands.add(demand);
      if (!this.#running) this.#drive();
    });
  }

  /** Ends everything; readers get `reason`. */
  async close(reason: unknown): Promise<void> {
    this.#failure ??= { reason };
    this.#rejectAll(reason);
    this.#io.abort();
    if (!this.#running) this.#release();
    await this.#dropStream();
  }

  #release(): void {
    if (this.#decoder !== null) giveInflater(this.#decoder.inflater);
    this.#decoder = null;
  }

  async #drive(): Promise<void> {
    this.#running = true;
    clearTimeout(this.#idle);
    const breather = new Breather();
    try {
      while (this.#demands.size > 0 && this.#failure === null && this.#index === null) {
        try {
          await this.#advance(breather);
        } catch (error) {
          await this.#stumble(error);
        }
      }
    } finally {
      this.#running = false;
      if (this.#pieces !== null) {
        this.#idle = setTimeout(() => {
          if (!this.#running) this.#dropStream().catch(() => undefined);
        }, IDLE);
        (this.#idle as { unref?: () => void }).unref?.();
      }
    }
  }

  /** One step of the decoder, and what it asks for. */
  async #advance(breather: Breather): Promise<void> {
    this.#decoder ??= new GzipDecoder(takeInflater(), (grain, crc) => {
      this.#grains[grain] = crc;
    });
    const decoder = this.#decoder;
    const { inflater } = decoder;
    const last = this.#points[this.#points.length - 1];
    const stop = decoder.step(last === undefined ? 0 : last.offset + this.#spacing, this.#wanted);
    const { output, produced } = inflater;
    if (output.length > 0) {
      const at = produced - output.length;
      for (const demand of this.#demands) {
        if (demand.from >= produced || demand.end <= at) continue;
        const skip = Math.max(0, demand.from - at);
        demand.deliver(output.subarray(skip, Math.min(output.length, demand.end - at)), at + skip);
        if (demand.first) this.#finish(demand);
      }
    }
    // Not at `end === produced`: if the file ends there, its trailer is to be checked first.
    for (const demand of this.#demands) if (demand.end < produced) this.#finish(demand);
    if (stop === "block") this.#addPoint();
    else if (stop === "end") this.#complete();
    else if (stop === "input" && this.#demands.size > 0) await this.#takeInput();
    await breather.pause();
  }

  readonly #wanted = (from: number, to: number): boolean => {
    for (const demand of this.#demands) if (demand.from < to && demand.end > from) return true;
    return false;
  };

  #finish(demand: Demand): void {
    this.#demands.delete(demand);
    demand.resolve();
  }

  #rejectAll(reason: unknown): void {
    for (const demand of this.#demands) demand.reject(reason);
    this.#demands.clear();
  }

  #addPoint(): void {
    const decoder = this.#decoder!;
    const { bit, produced } = decoder.inflater;
    const window = decoder.atMemberStart ? null : decoder.inflater.window(decoder.windowSize);
    this.#heads.push(decoder.head);
    this.#points.push({ bit, offset: produced, window });
    if (this.#points.length > MOST_POINTS) this.#thin();
  }

  /** Drops every second point. Arrays that readers hold stay as they are. */
  #thin(): void {
    this.#points = this.#points.filter((_, i) => i % 2 === 0);
    this.#heads = this.#heads.filter((_, i) => i % 2 === 0);
    this.#spacing *= 2;
  }

  #complete(): void {
    this.#index = {
      compressedSize: this.#fed,
      size: this.produced,
      spacing: this.#spacing,
      points: this.#points,
      checksums: this.checksums,
    };
    this.#release();
    for (const demand of this.#demands) this.#finish(demand);
    this.#dropStream().catch(() => undefined);
    this.onIndex?.(this.#index);
  }

  async #takeInput(): Promise<void> {
    const decoder = this.#decoder!;
    if (this.#piece === null) {
      if (this.#ended) {
        decoder.finish();
        return;
      }
      if (this.#fed === 0 && this.#pieces === null) {
        const signal = this.#freshSignal();
        const head = this.#head ?? (await this.#inner.read(0, HEAD, { signal }));
        this.#ended = this.#head === undefined && head.length < HEAD;
        this.#piece = head;
      } else {
        this.#pieces ??= this.#inner
          .stream(this.#fed, Number.POSITIVE_INFINITY, { signal: this.#freshSignal() })
          [Symbol.asyncIterator]();
        const next = await (this.#pending ?? this.#pieces.next());
        this.#pending = null;
        if (next.done === true) {
          this.#ended = true;
          this.#pieces = null;
          return;
        }
        this.#piece = next.value;
      }
      if (this.#decoder === null || this.#failure !== null) return;
    }
    const count = decoder.feed(this.#piece);
    this.#fed += count;
    this.#onProgress?.(this.#fed);
    this.#piece = count === this.#piece.length ? null : this.#piece.subarray(count);
    if (this.#piece === null && this.#pieces !== null) {
      // The next piece comes while this one is inflated.
      this.#pending = this.#pieces.next();
      this.#pending.catch(() => undefined);
    }
  }

  /** A signal for I/O that dies when the last reader leaves. */
  #freshSignal(): AbortSignal {
    if (this.#io.signal.aborted) this.#io = new AbortController();
    return this.#io.signal;
  }

  /** Decides what an error means: our own abort nothing, bad data the end, anything else a failed read. */
  async #stumble(error: unknown): Promise<void> {
    const aborted = this.#io.signal.aborted;
    await this.#dropStream();
    if (aborted || this.#failure !== null) return;
    if (isDataError(error)) {
      this.#failure = { reason: error };
      this.#release();
    }
    this.#rejectAll(error);
  }

  /** Lets go of the inner stream; reading on opens another at the same place. */
  async #dropStream(): Promise<void> {
    const pieces = this.#pieces;
    this.#pieces = null;
    this.#pending = null;
    this.#piece = null;
    this.#ended = false;
    await pieces?.return?.().catch(() => undefined);
  }
}

/** Whether this tells that the gzip data are bad, as opposed to a read that failed and may be tried again. */
export function isDataError(error: unknown): boolean {
  return (
    error instanceof LazyImageError &&
    (error.code === "ERR_CORRUPT" || error.code === "ERR_CHECKSUM" || error.code === "ERR_TRUNCATED")
  );
}
