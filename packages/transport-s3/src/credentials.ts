import { Keyring, type SourceOf } from "@lazyimg/byte-source/remote";

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
  fallback: () => Credentials | null,
): Keyring<Credentials> {
  return Keyring.of(
    source ?? fallback,
    isCredentials,
    "Credentials of S3 are { accessKeyId, secretAccessKey, sessionToken? }, a function that gives them, or false",
  );
}

function isCredentials(given: unknown): given is Credentials {
  const { accessKeyId, secretAccessKey } = Object(given);
  return typeof accessKeyId === "string" && typeof secretAccessKey === "string";
}
