import { LazyImageError } from "@lazyimg/core";

/** A key pair, for a while where it has a token. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** When they end; asked for again a minute before. */
  readonly expiration?: Date | undefined;
}

/** Credentials, what gets them (a broker, STS), or `false` for requests that are not signed. */
export type CredentialSource = Credentials | (() => Credentials | Promise<Credentials>) | false;

/** So long before they end credentials are renewed, in milliseconds. */
const EARLY = 60_000;

/** A function's credentials serve every file that is read with it: an image, its sidecar, its chunks. */
const keyrings = new WeakMap<() => unknown, Keyring>();

/** @param fallback gives the machine's own credentials, if there are any */
export function keyringOf(
  source: CredentialSource | undefined,
  fallback: () => Credentials | undefined,
): Keyring {
  if (source === false) return new Keyring(() => null);
  if (typeof source !== "function") return new Keyring(() => source ?? fallback() ?? null);
  const keyring = keyrings.get(source) ?? new Keyring(source);
  keyrings.set(source, keyring);
  return keyring;
}

/** Credentials that are asked for once, by all who need them, and again when they have ended. */
export class Keyring {
  readonly #ask: () => Promise<Credentials | null>;
  #held: Promise<Credentials | null> | undefined;

  /** @param source gives `null` where requests are not signed */
  constructor(source: () => Credentials | null | Promise<Credentials | null>) {
    this.#ask = async () => checked(await source());
  }

  /**
   * @param refused credentials that a server has just called expired: others are asked for
   * @throws LazyImageError `ERR_INVALID_ARGUMENT` for what are no credentials, and what the source throws
   */
  async get(refused?: Credentials): Promise<Credentials | null> {
    const held = await this.#held?.catch(() => undefined);
    const ends = held?.expiration?.getTime() ?? Number.POSITIVE_INFINITY;
    if (held === undefined || held === refused || ends - EARLY < Date.now()) this.#held = undefined;
    this.#held ??= this.#ask();
    return this.#held;
  }
}

function checked(credentials: Credentials | null): Credentials | null {
  if (credentials === null) return null;
  const { accessKeyId, secretAccessKey } = Object(credentials) as Partial<Credentials>;
  if (typeof accessKeyId === "string" && typeof secretAccessKey === "string") return credentials;
  throw new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    "Credentials of S3 are { accessKeyId, secretAccessKey, sessionToken? }, a function that gives them, or false",
  );
}
