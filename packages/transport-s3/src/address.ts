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

/**
 * The http(s) URL of an address.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` for an endpoint that is no http(s) URL, or a key with `.` or `..` as a
 * segment, which URLs cannot have
 */
export function urlOf({ bucket, key }: Address, { region, endpoint, pathStyle }: Endpoint): string {
  const segments = key.split("/");
  if (segments.some((segment) => segment === "." || segment === "..")) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `The key ${key.slice(0, 200)} has "." or ".." between slashes, which no URL can say; copy the object to another key`,
    );
  }
  const given = endpoint ?? `https://s3.${region}.amazonaws.com`;
  if (!/^https?:\/\/[^/]/i.test(given) || !URL.canParse(given)) {
    throw new LazyImageError("ERR_INVALID_ARGUMENT", `The endpoint of S3 is an http(s) URL, not ${given}`);
  }
  const base = new URL(given);
  const path = base.pathname.replace(/\/+$/, "");
  if (!pathStyle) base.host = `${bucket}.${base.host}`;
  base.pathname = [path, ...(pathStyle ? [bucket] : []), ...segments.map(escaped)].join("/");
  return base.href;
}
