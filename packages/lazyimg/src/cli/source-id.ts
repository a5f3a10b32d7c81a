import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { openSource } from "@lazyimg/byte-source";
import type { Arguments } from "./args.js";
import { headersOf } from "./open.js";
import type { Traffic } from "./traffic.js";

export const isZarr = (path: string): boolean => /\.zarr[/\\]*$/i.test(path);
export const isRemote = (path: string): boolean => /^(?!file:)[a-z][a-z0-9+.-]+:\/\//i.test(path);

/** Size and date of a file or directory; `undefined` where there is none. */
export async function stampOf(path: string): Promise<string | undefined> {
  try {
    const { size, mtimeMs } = await stat(path);
    return `${size} ${mtimeMs}`;
  } catch {
    return undefined;
  }
}

/** Where the metadata of a Zarr hierarchy are: its directory's own date tells little. */
const ROOTS = ["zarr.json", ".zattrs", ".zarray", "nifti/0", "nifti/c/0"];

/** The other half of a pair. */
function siblingsOf(path: string): string[] {
  const [, stem, half] = /^(.*)\.(hdr|img)(\.gz)?$/i.exec(path) ?? [];
  const other = half?.toLowerCase() === "hdr" ? "img" : "hdr";
  return stem === undefined ? [] : [`${stem}.${other}`, `${stem}.${other}.gz`];
}

/** What tells whether a source is still the same: its place, size and date; for a URL its version, as the server says. */
export async function sourceIdOf(
  source: string,
  args: Arguments,
  { traffic }: { readonly traffic: Traffic },
  signal: AbortSignal | undefined,
): Promise<string> {
  if (isRemote(source)) {
    const isHttp = /^https?:/i.test(source);
    const fetch = isHttp ? traffic.fetch(headersOf(args)) : undefined;
    // Signatures in a query change, and belong into no file.
    const [, location = source, query = ""] = (isHttp && /^([^?#]*)(.*)$/s.exec(source)) || [];
    const place = location.replace(/\/+$/, "");
    const versions: (string | null)[] = [];
    for (const suffix of isZarr(place) ? ROOTS.map((name) => `/${name}`) : [""]) {
      const file = openSource({ path: place + suffix + query, fetch });
      // Many servers tell none, and most of a hierarchy's roots are not there.
      versions.push((await file.version?.({ signal }).catch(() => null)) ?? null);
      await file.close?.();
    }
    signal?.throwIfAborted();
    return JSON.stringify([place, ...versions]);
  }
  const path = resolve(/^file:/i.test(source) ? fileURLToPath(source) : source);
  const parts = [path, ...siblingsOf(path), ...(isZarr(path) ? ROOTS.map((name) => join(path, name)) : [])];
  return JSON.stringify([path, ...(await Promise.all(parts.map(stampOf)))]);
}
