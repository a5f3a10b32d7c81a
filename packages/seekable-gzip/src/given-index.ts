import { type ByteSource, isLazyImageError } from "@lazyimg/core";
import { SharedWork } from "@lazyimg/core/abort";
import { readIndex, writeIndex } from "./gzidx.js";
import type { GzipIndex } from "./gzip-index.js";
import type { IndexCache } from "./index-cache.js";
import { contradiction, readSidecar, type Sidecar } from "./sidecar.js";

/** Where an index may come from, other than a pass over the file. */
export interface IndexOptions {
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

/** The index that a source was given, by a cache or a sidecar: loaded once for all readers, dropped when it proves wrong. */
export class GivenIndex {
  readonly #inner: ByteSource;
  readonly #options: IndexOptions;
  readonly #warn: (message: string) => void;
  #loading: SharedWork<void> | null = null;
  #settled: boolean;
  #index: GzipIndex | null = null;

  constructor(inner: ByteSource, options: IndexOptions) {
    this.#inner = inner;
    this.#options = options;
    this.#warn = options.onWarning ?? ((message) => console.warn(message));
    this.#settled = options.sidecar === undefined && options.cache === undefined;
  }

  /** What there is now. */
  get index(): GzipIndex | null {
    return this.#index;
  }

  /** Loads it, unless that was done. What is wrong with one is a warning. */
  async load(signal: AbortSignal | undefined): Promise<void> {
    if (this.#settled) return;
    if (this.#loading === null || this.#loading.abandoned) {
      this.#loading = new SharedWork((shared) => this.#load(shared));
    }
    await this.#loading.join(signal);
    this.#settled = true;
  }

  /** Does without it from now on. */
  drop(reason: unknown): void {
    this.#index = null;
    this.#warn(`The gzip index is not used any more: ${message(reason)}`);
  }

  /** Puts the index that a pass made into the cache. */
  async keep(index: GzipIndex): Promise<void> {
    try {
      const key = await this.#cacheKey();
      if (key !== null) await this.#options.cache!.set(key, writeIndex(index));
    } catch (error) {
      this.#warn(`The gzip index could not be cached: ${message(error)}`);
    }
  }

  /** An entry is of one version of the file: its ETag, or size and modification time. */
  async #cacheKey(signal?: AbortSignal): Promise<string | null> {
    const { cache, cacheKey } = this.#options;
    if (cache === undefined || cacheKey === undefined) return null;
    const version = await this.#inner.version?.({ signal });
    return version === undefined || version === null ? null : `${cacheKey}@${version}`;
  }

  async #load(signal: AbortSignal): Promise<void> {
    const { sidecar } = this.#options;
    await this.#try("The cached gzip index", signal, async () => {
      const key = await this.#cacheKey(signal);
      return key === null ? null : this.#options.cache!.get(key);
    });
    if (this.#index !== null || sidecar === undefined) return;
    await this.#try("The gzip index beside the file", signal, () => readSidecar(sidecar, signal));
  }

  async #try(what: string, signal: AbortSignal, read: () => Promise<Uint8Array | null>): Promise<void> {
    try {
      const bytes = await read();
      if (bytes === null) return;
      const index = readIndex(bytes);
      const { head } = this.#options;
      const reason = await contradiction(index, this.#inner, { head, signal });
      if (reason === null) this.#index = index;
      else this.#warn(`${what} is not used: ${reason}.`);
    } catch (error) {
      signal.throwIfAborted();
      // Whoever closes the file meanwhile is told so by the read.
      if (isLazyImageError(error, "ERR_CLOSED")) throw error;
      this.#warn(`${what} is not used: ${message(error)}`);
    }
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
