import { type Ending, Keyring, type SourceOf } from "@lazyimg/byte-source/remote";

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
  fallback: () => Promise<Credentials | null>,
): Keyring<Credentials> {
  return Keyring.of(
    source ?? fallback,
    isCredentials,
    "Credentials of Azure are { accountKey }, { sasToken } or { token }, a function that gives one of them, or false",
  );
}

function isCredentials(given: unknown): given is Credentials {
  const values = ["accountKey", "sasToken", "token"].map((name) => Object(given)[name]);
  return values.filter((value) => typeof value === "string").length === 1;
}
