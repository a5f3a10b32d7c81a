import { LazyImageError } from "@lazyimg/core";

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
const keyrings = new WeakMap<object, Keyring<never>>();

/** Credentials that are asked for once, by all who need them, and again when they have ended. */
export class Keyring<C extends Ending> {
  readonly #ask: () => Promise<C | null>;
  #held: Promise<C | null> | undefined;

  private constructor(ask: () => Promise<C | null>) {
    this.#ask = ask;
  }

  /**
   * The keyring of a source: of a function, one for all who come with it.
   *
   * @param source a `SourceOf<C>`, or what should be one; a function may give `null`, too
   * @param words what credentials are, for who gives something else
   */
  static of<C extends Ending>(
    source: unknown,
    isCredentials: (given: unknown) => given is C,
    words: string,
  ): Keyring<C> {
    const checked = (given: unknown): C | null => {
      if (given === null || isCredentials(given)) return given;
      throw new LazyImageError("ERR_INVALID_ARGUMENT", words);
    };
    if (typeof source !== "function")
      return new Keyring(async () => checked(source === false ? null : source));
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
