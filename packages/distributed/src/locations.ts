import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { LazyImageError } from "@lazyimg/core";

/** Whether something is a URL, `file:` too; a path of Windows is none. */
export const isUrl = (location: string): boolean => /^[a-z][a-z0-9+.-]+:/i.test(location);

/**
 * A path or URL as it is put on a queue, where others read it: absolute, and without secrets.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` for a URL with a user, a password or a query
 */
export function shareable(location: string): string {
  const path = /^file:/i.test(location) ? fileURLToPath(location) : location;
  if (!isUrl(path)) return resolve(path);
  const [, scheme, authority = "", rest = ""] = /^([^:]+):\/\/([^/?#]*)(.*)$/s.exec(path) ?? [];
  if (scheme === undefined || authority.includes("@") || /[?#]/.test(rest)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `${scheme}://${authority.replace(/^.*@/, "")} has a user, a password or a query in its URL, which would be on the queue for all to read; give the workers credentials of their own (--header, AWS_PROFILE) and a URL without`,
    );
  }
  return /^https?$/i.test(scheme) ? new URL(path).href : path.replace(/\/+$/, "");
}
