import type { Remote, TransportRequest } from "@lazyimg/byte-source";
import { optionsOf, signedFetch } from "@lazyimg/byte-source/remote";
import { environment } from "#environment";
import { addressOf, serviceOf, urlOf } from "./address.js";
import { type CredentialSource, keyringOf } from "./credentials.js";
import { signatureOf } from "./signer.js";

/** `readerOptions.azure`. What is left out comes from the environment and the configuration of Azure's tools, in Node. */
export interface AzureOptions {
  /** The storage account, where the URL does not name it. */
  readonly account?: string | undefined;
  /** The http(s) URL of another blob service than Azure's: Azurite, with the account in its path. */
  readonly endpoint?: string | undefined;
  /** Credentials, what gets them, or `false` for none, as public containers want it. */
  readonly credentials?: CredentialSource | undefined;
}

/**
 * Where a blob is, and how it is asked for: with a Shared Key, a SAS or a token of `readerOptions.azure` or the
 * environment, by the caller's `fetch` where there is one, or not signed at all.
 *
 * @param url `az://container/blob` or `abfs://container@account.dfs.core.windows.net/blob`, without escapes
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` for a URL or options that make no sense. Requests throw `ERR_NOT_FOUND`
 * and `ERR_HTTP` with Azure's own code in the message; what may pass (ServerBusy, 5xx) is asked again by the source.
 */
export function azure(url: string, request: TransportRequest): Remote {
  const options = optionsOf<AzureOptions>("azure", "{ account, endpoint, credentials }", request);
  const { credentials } = options;
  const known = environment();
  const named = addressOf(url);
  const account = named.account ?? options.account ?? known.account;
  const address = { ...named, account };
  // Another account than the machine's is not at the machine's endpoint.
  const endpoint = options.endpoint ?? (account === known.account ? known.endpoint : undefined);
  const service = serviceOf(address, endpoint);
  const keyring = keyringOf(credentials, known.credentials);
  const fetch = signedFetch(request, credentials !== undefined, keyring, signatureOf(account));
  return {
    url: urlOf(service, address),
    fetch,
    writer: async () => (await import("./writer.js")).azureWriter({ address, service, fetch, request }),
  };
}
