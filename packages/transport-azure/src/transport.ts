import type { Remote, TransportRequest } from "@lazyimg/byte-source";
import { signing } from "@lazyimg/byte-source/remote";
import { LazyImageError } from "@lazyimg/core";
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
  const { fetch: own, readerOptions } = request;
  const options = optionsOf(readerOptions?.azure);
  const { credentials: source } = options;
  const known = environment();
  const named = addressOf(url);
  // Another account than the machine's is not at the machine's endpoint.
  const isElsewhere = (named.account ?? options.account ?? known.account) !== known.account;
  const address = { ...named, account: named.account ?? options.account ?? known.account };
  const service = serviceOf(address, options.endpoint ?? (isElsewhere ? undefined : known.endpoint));
  const keyring = keyringOf(source, known.credentials);
  // A fetch of the caller's that comes without credentials has its own.
  const send =
    own && source === undefined ? own : signing(keyring, signatureOf(address.account), own ?? fetch);
  return {
    url: urlOf(service, address.container, address.key),
    fetch: send,
    async writer() {
      const { azureWriter } = await import("./writer.js");
      return azureWriter({ address, service, fetch: send, request });
    },
  };
}

function optionsOf(given: unknown): AzureOptions {
  if (given !== undefined && (typeof given !== "object" || given === null)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `readerOptions.azure is { account, endpoint, credentials }, not ${String(given)}`,
    );
  }
  return given ?? {};
}
