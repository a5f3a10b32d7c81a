import { ImageClient } from "./client.js";
import type { TrafficCounts } from "./protocol.js";
import type { OpenOptions, ViewerSource } from "./source.js";

const NO_TRAFFIC: TrafficCounts = { bytes: 0, requests: 0, total: null, cached: 0 };

/** Holds one image, or none, while it is opened and as long as it is open. */
export class ImageSlot {
  #client: ImageClient | null = null;
  #opening = new AbortController();
  #counts = NO_TRAFFIC;
  readonly #counted: () => void;

  /** @param counted called when more was read */
  constructor(counted: () => void) {
    this.#counted = counted;
  }

  get client(): ImageClient | null {
    return this.#client;
  }

  /** What was read of this image. */
  get counts(): TrafficCounts {
    return this.#counts;
  }

  /**
   * Opens an image in place of what was there.
   *
   * @returns `null` when something else was to be opened meanwhile, or nothing
   * @throws what `ImageClient.open` throws
   */
  async open(source: ViewerSource, options: OpenOptions): Promise<ImageClient | null> {
    this.close();
    const { signal } = this.#opening;
    try {
      const client = await ImageClient.open(source, options, (counts) => this.#count(counts, signal), signal);
      if (signal.aborted) client.close();
      else this.#client = client;
      return this.#client;
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  }

  close(): void {
    this.#opening.abort();
    this.#opening = new AbortController();
    this.#client?.close();
    this.#client = null;
    this.#counts = NO_TRAFFIC;
  }

  #count(counts: TrafficCounts, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#counts = counts;
    this.#counted();
  }
}
