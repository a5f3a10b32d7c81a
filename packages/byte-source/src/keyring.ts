/** What opens a store, for a while where it has an end. */
export interface Ending {
  /** When it ends; asked for again a minute before. */
  readonly expiration?: Date | undefined;
}

/** Credentials, what gets them (a broker, a token service), or `false` for requests that are not signed. */
export type SourceOf<C> = C | (() => C | Promise<C>) | false;

/** So long before they end credentials are renewed, in milliseconds. */
const EARLY = 60_000;

/** A function's credentials serve every file that is read with it: an image, its sidecar, its chunks. */
const keyrings = new WeakMap<() => unknown, Keyring<never>>();

/** Credentials that are asked for once, by all who need them, and again when they have ended. */
export class Keyring<C extends Ending> {
  readonly #ask: () => Promise<C | null>;
  #held: Promise<C | null> | undefined;

  /** @param source gives `null` where requests are not signed */
  constructor(source: () => C | null | Promise<C | null>) {
    this.#ask = async () => source();
  }

  /** The keyring of a function: one for all who come with it. */
  static of<C extends Ending>(source: () => unknown, checked: (given: unknown) => C | null): Keyring<C> {
    const known = keyrings.get(source) as Keyring<C> | undefined;
    const keyring = known ?? new Keyring(async () => checked(await source()));
    keyrings.set(source, keyring as Keyring<never>);
    return keyring;
  }

  /**
   * @param refused credentials that a server has just called expired: others are asked for
   * @throws what the source throws
   */
  async get(refused?: C): Promise<C | null> {
    const asked = this.#held;
    const held = await asked?.catch(() => undefined);
    const ends = held?.expiration?.getTime() ?? Number.POSITIVE_INFINITY;
    const isOver = held === undefined || held === refused || ends - EARLY < Date.now();
    // Somebody else may have asked meanwhile.
    if (isOver && asked === this.#held) this.#held = undefined;
    this.#held ??= this.#ask();
    return this.#held;
  }
}
