import { lstat, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { LazyImageError } from "@lazyimg/core";
import { isUrl } from "./locations.js";
import { shown } from "./shown.js";

/** What a worker may read and write: files below folders, objects below URLs. */
export interface Allowance {
  /** @throws LazyImageError `ERR_NOT_ALLOWED` for what lies elsewhere, or is written so that it might */
  check(location: string): Promise<void>;
}

const refused = (location: string, why: string): LazyImageError =>
  new LazyImageError(
    "ERR_NOT_ALLOWED",
    `This worker may not use ${shown(location)}: ${why}; start it with --allow for what it may`,
  );

/** A path without symbolic links, of what there is of it. */
async function real(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const isThere = await lstat(path).then(
      () => true,
      () => false,
    );
    // A link to what is not there, or a loop of them.
    if (isThere || dirname(path) === path) throw error;
    return join(await real(dirname(path)), basename(path));
  }
}

/** Undoes percent encoding, however often it was done. */
function decoded(text: string): string {
  let before = text;
  for (let n = 0; n < 10; n++) {
    let after: string;
    try {
      after = decodeURIComponent(before);
    } catch {
      return before;
    }
    if (after === before) break;
    before = after;
  }
  return before;
}

interface Place {
  readonly origin: string;
  readonly segments: readonly string[];
}

/**
 * A URL, taken apart. Refused is all that servers and libraries might read in another way: users, queries and fragments,
 * `.` and `..` and slashes behind percent signs, backslashes, blanks and control characters.
 */
function placeOf(url: string): Place {
  const [, scheme, authority, path] = /^([a-z][a-z0-9+.-]+):\/\/([^/?#]*)([^?#]*)$/i.exec(url) ?? [];
  if (scheme === undefined || !authority || path === undefined) {
    throw refused(url, "a URL here is SCHEME://HOST/PATH, without query and fragment");
  }
  if (authority.includes("@")) throw refused(url, "it has a user or a password");
  if (/[\\ \p{Cc}]/u.test(url)) throw refused(url, "it has a backslash, a blank or a control character");
  const segments = path.replace(/^\//, "").replace(/\/+$/, "").split("/");
  const odd = segments.find((segment, n) => {
    const text = decoded(segment);
    return text === "." || text === ".." || /[/\\]/.test(text) || (segment === "" && n < segments.length - 1);
  });
  if (odd !== undefined) throw refused(url, "its path is not in its simplest form");
  if (!URL.canParse(url)) throw refused(url, "it is no URL");
  const { protocol, host } = new URL(url);
  return { origin: `${protocol}//${host.toLowerCase()}`, segments: segments[0] === "" ? [] : segments };
}

function isBelow(place: Place, prefix: Place): boolean {
  return (
    place.origin === prefix.origin && prefix.segments.every((segment, n) => place.segments[n] === segment)
  );
}

/**
 * @param prefixes folders, and URLs such as `s3://bucket/scans`; what is allowed is they and what is below them
 * @throws LazyImageError `ERR_NOT_ALLOWED` for a URL that is not in its simplest form, `ERR_NOT_FOUND` for a folder that is
 * not there
 */
export async function allowanceOf(prefixes: readonly string[]): Promise<Allowance> {
  const paths = prefixes.map((prefix) => (/^file:/i.test(prefix) ? fileURLToPath(prefix) : prefix));
  const places = paths.filter(isUrl).map(placeOf);
  const folders = await Promise.all(
    paths
      .filter((path) => !isUrl(path))
      .map((path) =>
        realpath(path).catch((cause: unknown) => {
          throw new LazyImageError("ERR_NOT_FOUND", `There is no folder ${path} to allow; check the path`, {
            cause,
          });
        }),
      ),
  );
  return {
    async check(location) {
      if (isUrl(location)) {
        const place = placeOf(location);
        if (!places.some((prefix) => isBelow(place, prefix)))
          throw refused(location, "it is not below a URL that is allowed");
        return;
      }
      if (!isAbsolute(location) || resolve(location) !== location || location.includes("\0")) {
        throw refused(location, "it is no absolute path in its simplest form");
      }
      const path = await real(location).catch(() => {
        throw refused(location, "it leads to nowhere");
      });
      const isInside = (folder: string): boolean =>
        path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
      if (!folders.some(isInside)) throw refused(location, "it is not below a folder that is allowed");
    },
  };
}
