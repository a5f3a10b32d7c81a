import { type Ending, Keyring, type SourceOf } from "@lazyimg/byte-source/remote";
import { isGranting, tokenFor } from "./grant.js";

/** An access token of OAuth 2.0. */
export interface Token extends Ending {
  readonly token: string;
}

/** The key file of a service account, as Google gives it; what else is in it is ignored. */
export interface ServiceAccount {
  readonly type: "service_account";
  readonly client_email: string;
  /** In PEM. */
  readonly private_key: string;
  readonly private_key_id?: string | undefined;
  readonly token_uri?: string | undefined;
}

/** What `gcloud auth application-default login` leaves. */
export interface AuthorizedUser {
  readonly type: "authorized_user";
  readonly client_id: string;
  readonly client_secret: string;
  readonly refresh_token: string;
  readonly token_uri?: string | undefined;
}

/** A token, what gets one, the content of a key file, or `false` for requests that are not signed. */
export type CredentialSource = SourceOf<Token> | ServiceAccount | AuthorizedUser;

/** Key files' tokens serve everything that is read with the same object. */
const granted = new WeakMap<object, () => Promise<Token>>();

function grantOf(file: ServiceAccount | AuthorizedUser): () => Promise<Token> {
  const grant = granted.get(file) ?? (() => tokenFor(file));
  granted.set(file, grant);
  return grant;
}

/** @param fallback gives the machine's own token, if there is one */
export function keyringOf(
  source: CredentialSource | undefined,
  fallback: () => Promise<Token | null>,
): Keyring<Token> {
  return Keyring.of(
    isGranting(source) ? grantOf(source) : (source ?? fallback),
    (given): given is Token => typeof Object(given).token === "string",
    "Credentials of Google Cloud Storage are { token }, a function that gives that, the content of a service account's or user's key file, or false",
  );
}
