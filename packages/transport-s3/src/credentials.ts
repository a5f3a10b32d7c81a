import { Keyring, type SourceOf } from "@lazyimg/byte-source/remote";
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
export type CredentialSource = SourceOf<Credentials>;

/** @param fallback gives the machine's own credentials, if there are any */
export function keyringOf(
  source: CredentialSource | undefined,
  fallback: () => Credentials | undefined,
): Keyring<Credentials> {
  if (source === false) return new Keyring<Credentials>(() => null);
  if (typeof source === "function") return Keyring.of(source, checked);
  return new Keyring(() => checked(source ?? fallback() ?? null));
}

function checked(given: unknown): Credentials | null {
  if (given === null) return null;
  const { accessKeyId, secretAccessKey } = Object(given) as Partial<Credentials>;
  if (typeof accessKeyId === "string" && typeof secretAccessKey === "string") return given as Credentials;
  throw new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    "Credentials of S3 are { accessKeyId, secretAccessKey, sessionToken? }, a function that gives them, or false",
  );
}
