/** What is worth keeping open for the jobs to come. */
export interface Closable {
  close(): Promise<void>;
}

/** The things that were used last, by key; the others are closed. One user at a time. */
export class Held<T extends Closable> {
  readonly #most: number;
  readonly #held = new Map<string, T>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The one of this key, opened where it is not held. */
  async get(key: string, open: () => Promise<T>): Promise<T> {
    const value = this.#held.get(key) ?? (await open());
    this.#held.delete(key);
    this.#held.set(key, value);
    const [oldest] = this.#held.keys();
    if (this.#held.size > this.#most) await this.drop(oldest!);
    return value;
  }

  async drop(key: string): Promise<void> {
    const value = this.#held.get(key);
    this.#held.delete(key);
    await value?.close().catch(() => {});
  }

  async close(): Promise<void> {
    for (const key of [...this.#held.keys()]) await this.drop(key);
  }
}
