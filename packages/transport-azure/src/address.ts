import { endpointOf, pathOf } from "@lazyimg/byte-source/remote";
import { LazyImageError } from "@lazyimg/core";

/** A container, and the name of a blob in it or the beginning of names. */
export interface Address {
  /** Where the URL names it. */
  readonly account: string | undefined;
  /** Of the blob service, where the URL names an account: `blob.core.windows.net`. */
  readonly domain: string;
  readonly container: string;
  readonly key: string;
}

/** Nobody else gets a token: the public cloud's accounts, and those of the clouds of China and of the US government. */
const HOST =
  /^([a-z0-9]{3,24})\.(?:blob|dfs)\.(core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net))$/i;

const unclear = (url: string): LazyImageError =>
  new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    `${url.slice(0, 200)} names no container; Azure URLs are az://container/blob, or abfs://container@account.dfs.core.windows.net/blob`,
  );

/**
 * What `az://container/blob` and `abfs://container@account.dfs.core.windows.net/blob` name. The blob's name is taken as it
 * is: `%20` is these three characters, `?` and `#` are part of it.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` when there is no container, or the host is not Azure's
 */
export function addressOf(url: string): Address {
  const [, authority = "", key = ""] = /^\w+:\/\/([^/]*)(?:\/(.*))?$/s.exec(url) ?? [];
  const [container = "", host] = authority.split("@");
  if (!/^(\$root|\$web|[a-z0-9](-?[a-z0-9])+)$/.test(container)) throw unclear(url);
  if (host === undefined) return { account: undefined, domain: "core.windows.net", container, key };
  const [, account, domain] = HOST.exec(host) ?? [];
  if (account !== undefined && domain !== undefined) return { account, domain, container, key };
  throw new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    `${host.slice(0, 200)} is no host of Azure's, and gets no credentials; give another store by readerOptions.azure.endpoint`,
  );
}

/** The http(s) URL of the blob service, without a slash at its end. */
export function serviceOf({ account, domain }: Address, endpoint: string | undefined): string {
  if (endpoint !== undefined) return endpointOf("Azure", endpoint);
  if (account !== undefined) return `https://${account}.blob.${domain}`;
  throw new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    "Which storage account? Give readerOptions.azure.account, set AZURE_STORAGE_ACCOUNT, or write container@account.blob.core.windows.net",
  );
}

/** The http(s) URL of a blob. */
export const urlOf = (service: string, { container, key }: Pick<Address, "container" | "key">): string =>
  `${service}/${container}/${pathOf(key)}`;
