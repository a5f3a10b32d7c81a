import { LazyImageError } from "@lazyimg/core";
import type { TransportRequest } from "./transport.js";

/**
 * What `readerOptions` have for a store.
 *
 * @param fields what there may be, for who gives something else
 */
export function optionsOf<Options extends object>(
  store: string,
  fields: string,
  { readerOptions = {} }: TransportRequest,
): Options {
  const { [store]: given = {} } = readerOptions;
  if (typeof given === "object" && given !== null) return given as Options;
  throw new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    `readerOptions.${store} is ${fields}, not ${String(given)}`,
  );
}

/**
 * The http(s) URL of a service, without a slash at its end.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` for an endpoint that is no http(s) URL
 */
export function endpointOf(store: string, given: string): string {
  if (/^https?:\/\/[^/]/i.test(given) && URL.canParse(given)) return given.replace(/\/+$/, "");
  throw new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    `The endpoint of ${store} is an http(s) URL, not ${given}`,
  );
}

/**
 * The path of an object in URLs, from its name as it is.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` for a name with `.` or `..` as a segment, which URLs cannot have
 */
export function pathOf(name: string, escaped: (segment: string) => string = encodeURIComponent): string {
  const segments = name.split("/");
  if (!segments.some((segment) => segment === "." || segment === "..")) {
    return segments.map(escaped).join("/");
  }
  throw new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    `The object ${name.slice(0, 200)} has "." or ".." between slashes, which no URL can say; copy it to another name`,
  );
}
