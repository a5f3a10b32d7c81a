import type { ByteSource } from "@lazyimg/core";

/** Bytes in memory that arrive in pieces after a macrotask, as from a disk, and count what was asked for. */
export class CountingSource implements ByteSource {
  readonly gap: number;
  readonly name = "scan.nii.gz";
  readonly bytes: Uint8Array;
  readonly piece: number;
  /** Bytes handed out and requests made. */
  fetched = 0;
  requests = 0;
  closed = false;
  /** Streams that are open. */
  streaming = 0;
  /** Fails the next request with this. */
  failure: unknown = null;

  constructor(bytes: Uint8Array, piece = 16384, gap = 4096) {
    this.bytes = bytes;
    this.piece = piece;
    this.gap = gap;
  }

  async size(): Promise<number> {
    return this.bytes.length;
  }

  async version(): Promise<string> {
    return `"${this.bytes.length}"`;
  }

  async read(
    offset: number,
    length: number,
    { signal, into }: { signal?: AbortSignal | undefined; into?: Uint8Array | undefined } = {},
  ): Promise<Uint8Array> {
    this.requests++;
    await this.#wait(signal);
    const part = this.bytes.subarray(offset, offset + length);
    this.fetched += part.length;
    if (into === undefined) return part.slice();
    into.set(part);
    return into.subarray(0, part.length);
  }

  async *stream(
    offset: number,
    length: number,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<Uint8Array> {
    this.requests++;
    this.streaming++;
    // One buffer for all pieces: who keeps a piece finds other bytes in it.
    const buffer = new Uint8Array(this.piece);
    try {
      for (let at = offset; at < Math.min(this.bytes.length, offset + length); ) {
        await this.#wait(signal);
        const part = this.bytes.subarray(at, Math.min(at + this.piece, offset + length));
        buffer.set(part);
        this.fetched += part.length;
        at += part.length;
        yield buffer.subarray(0, part.length);
      }
    } finally {
      this.streaming--;
    }
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 0));
    signal?.throwIfAborted();
    if (this.failure !== null) {
      const failure = this.failure;
      this.failure = null;
      throw failure;
    }
  }
}

/** Reproducible numbers in [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
}

/** Whether two byte arrays are equal; unlike `toEqual`, fast. */
export function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
