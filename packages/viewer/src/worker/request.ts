import type { ByteSource, ImageSource, RequestOptions, ZarrStore } from "@lazyimg/core";
import type { ViewerSource } from "../source.js";
import { together } from "./range-batch.js";
import type { Traffic } from "./traffic.js";

/** So many ranges of the page's own server are wanted at once, because they go together. */
const TOGETHER = 32;

/** How an image is asked for, so that all that is read of it is counted. */
export function requestOf(source: ViewerSource, traffic: Traffic): [ImageSource, RequestOptions] {
  if (source.kind === "url") {
    const own = globalThis.location?.origin;
    const { url, headers } = source;
    const concurrency = own !== undefined && url.startsWith(`${own}/`) ? TOGETHER : undefined;
    return [url, { fetch: together(traffic.fetch, own), readerOptions: { headers, concurrency } }];
  }
  const { name, files } = source;
  if (source.kind === "zarr") {
    traffic.expect(
      name,
      [...files.values()].reduce((sum, { size }) => sum + size, 0),
    );
    return [storeOf(files, traffic), { name }];
  }
  const sibling = async (other: string): Promise<ByteSource | null> => {
    const file = files.get(other);
    return file === undefined ? null : traffic.source(file, other);
  };
  return [traffic.source(files.get(name)!, name), { name, sibling }];
}

/** The files of a hierarchy as a Zarr store. */
function storeOf(files: ReadonlyMap<string, Blob>, traffic: Traffic): ZarrStore {
  const file = (key: string): Blob | undefined => files.get(key.replace(/^\//, ""));
  return {
    async get(key: string) {
      const found = file(key);
      return found && traffic.whole(found);
    },
    async getRange(key: string, range: { offset: number; length: number } | { suffixLength: number }) {
      const found = file(key);
      if (found === undefined) return undefined;
      return traffic.whole(
        "suffixLength" in range
          ? found.slice(-range.suffixLength)
          : found.slice(range.offset, range.offset + range.length),
      );
    },
  } as ZarrStore;
}
