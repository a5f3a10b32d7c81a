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

/**
 * The http(s) URL of the service, without a slash at its end.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` for an endpoint that is no http(s) URL
 */
export function serviceOf(endpoint: string | undefined): string {
  const given = endpoint ?? "https://storage.googleapis.com";
  if (/^https?:\/\/[^/]/i.test(given) && URL.canParse(given)) return given.replace(/\/+$/, "");
  throw new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    `The endpoint of Google Cloud Storage is an http(s) URL, not ${given}`,
  );
}

/**
 * The http(s) URL of an object, as the XML API has it.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` for a name with `.` or `..` as a segment, which URLs cannot have
 */
export function urlOf(service: string, { bucket, key }: Address): string {
  const segments = key.split("/");
  if (segments.some((segment) => segment === "." || segment === "..")) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `The object ${key.slice(0, 200)} has "." or ".." between slashes, which no URL can say; copy it to another name`,
    );
  }
  return [service, bucket, ...segments.map(encodeURIComponent)].join("/");
}
