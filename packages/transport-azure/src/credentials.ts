import { type Ending, Keyring, type SourceOf } from "@lazyimg/byte-source/remote";
import { LazyImageError } from "@lazyimg/core";

/** What opens a storage account: its key, a shared access signature, or a token of Microsoft Entra ID. */
export type Credentials = Ending &
  (
    | { readonly accountKey: string }
    /** The query of a SAS URL, with or without `?`. */
    | { readonly sasToken: string }
    /** For the scope `https://storage.azure.com/.default`. */
    | { readonly token: string }
  );

/** Credentials, what gets them (a broker, a credential of `@azure/identity`), or `false` for requests that are not signed. */
export type CredentialSource = SourceOf<Credentials>;

/** @param fallback gives the machine's own credentials, if there are any */
export function keyringOf(
  source: CredentialSource | undefined,
  fallback: () => Credentials | undefined | Promise<Credentials | undefined>,
): Keyring<Credentials> {
  if (source === false) return new Keyring<Credentials>(() => null);
  if (typeof source === "function") return Keyring.of(source, checked);
  return new Keyring(async () => checked(source ?? (await fallback()) ?? null));
}

function checked(given: unknown): Credentials | null {
  if (given === null) return null;
  const values = ["accountKey", "sasToken", "token"].map((name) => Object(given)[name]);
  if (values.filter((value) => typeof value === "string").length === 1) return given as Credentials;
  throw new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    "Credentials of Azure are { accountKey }, { sasToken } or { token }, a function that gives one of them, or false",
  );
}
