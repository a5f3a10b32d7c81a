/** A chunk that is kept: as it came from the store, or decoded in the machine's byte order. */
export interface Kept {
  readonly decoded: boolean;
  readonly bytes: Uint8Array;
}

/** Keys whose first use is remembered. */
const REMEMBERED = 65_536;

/** The chunks that were used last, up to a number of bytes; and which were used at all. */
export class ChunkCache {
  readonly #limit: number;
  readonly #entries = new Map<string, Kept>();
  readonly #used = new Set<string>();
  #bytes = 0;

  /** @param limit most bytes to keep; 0 keeps nothing */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get limit(): number {
    return this.#limit;
  }

  get(key: string): Kept | undefined {
    const found = this.#entries.get(key);
    if (found === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, found);
    return found;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  set(key: string, entry: Kept): void {
    this.#remove(key);
    if (entry.bytes.length > this.#limit) return;
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#limit) break;
      this.#remove(oldest);
    }
  }

  /** Notes that a chunk is used; whether it was before. */
  touch(key: string): boolean {
    if (this.#used.has(key)) return true;
    if (this.#used.size >= REMEMBERED) this.#used.clear();
    this.#used.add(key);
    return false;
  }

  clear(): void {
    this.#entries.clear();
    this.#used.clear();
    this.#bytes = 0;
  }

  #remove(key: string): void {
    const found = this.#entries.get(key);
    if (found === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= found.bytes.length;
  }
}
