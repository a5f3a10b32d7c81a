import { endpointOf, pathOf } from "@lazyimg/byte-source/remote";
import { LazyImageError } from "@lazyimg/core";

/** A bucket, and the name of an object in it or the beginning of names. */
export interface Address {
  readonly bucket: string;
  readonly key: string;
}

/**
 * What `gs://bucket/object` names. The object's name is taken as it is: `%20` is these three characters, `?` and `#` are
 * part of it.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` when there is no bucket
 */
export function addressOf(url: string): Address {
  const [, bucket = "", key = ""] = /^gc?s:\/\/([a-z0-9][a-z0-9._-]+)(?:\/(.*))?$/is.exec(url) ?? [];
  if (bucket !== "") return { bucket, key };
  throw new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    `${url.slice(0, 200)} names no bucket; URLs of Google Cloud Storage are gs://bucket/object`,
  );
}

/** The http(s) URL of the service, without a slash at its end. */
export const serviceOf = (endpoint = "https://storage.googleapis.com"): string =>
  endpointOf("Google Cloud Storage", endpoint);

/** The http(s) URL of an object, as the XML API has it. */
export const urlOf = (service: string, { bucket, key }: Address): string =>
  `${service}/${bucket}/${pathOf(key)}`;
