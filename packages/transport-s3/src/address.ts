import { endpointOf, pathOf } from "@lazyimg/byte-source/remote";
import { LazyImageError } from "@lazyimg/core";

/** A bucket, and the key of an object in it or the beginning of keys. */
export interface Address {
  readonly bucket: string;
  readonly key: string;
}

/** Where a store answers. */
export interface Endpoint {
  readonly region: string;
  /** An http(s) URL; Amazon's of the region where it is left out. */
  readonly endpoint: string | undefined;
  /** Whether the bucket is in the URL's path, not in its host. */
  readonly pathStyle: boolean;
}

/**
 * What `s3://bucket/key` names. The key is taken as it is: `%20` is these three characters, `?` and `#` are part of it.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` when there is no bucket
 */
export function addressOf(url: string): Address {
  const [, bucket = "", key = ""] = /^s3:\/\/([a-z0-9][a-z0-9._-]*)(?:\/(.*))?$/is.exec(url) ?? [];
  if (bucket !== "") return { bucket, key };
  throw new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    `${url.slice(0, 200)} names no bucket; S3 URLs are s3://bucket/key`,
  );
}

/** Signatures want every character escaped that RFC 3986 does not leave alone. */
function escaped(segment: string): string {
  return encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The http(s) URL of an address. */
export function urlOf({ region, endpoint, pathStyle }: Endpoint, { bucket, key }: Address): string {
  const base = new URL(endpointOf("S3", endpoint ?? `https://s3.${region}.amazonaws.com`));
  const folder = base.pathname.replace(/\/+$/, "");
  if (!pathStyle) base.host = `${bucket}.${base.host}`;
  base.pathname = [folder, ...(pathStyle ? [bucket] : []), pathOf(key, escaped)].join("/");
  return base.href;
}
