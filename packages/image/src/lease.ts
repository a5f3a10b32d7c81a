/** What several images share: closed when the last of them lets go. */
export class Lease {
  #holders = 1;
  readonly #close: () => Promise<void>;

  constructor(close: () => Promise<void>) {
    this.#close = close;
  }

  /** One more holder. */
  share(): this {
    this.#holders++;
    return this;
  }

  /** One holder less. */
  async release(): Promise<void> {
    if (--this.#holders === 0) await this.#close();
  }
}
