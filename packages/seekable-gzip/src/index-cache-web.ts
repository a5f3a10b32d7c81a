import type { IndexCache } from "./index-cache.js";

/**
 * Keeps indexes in the browser's own storage (the Cache API), where the page is secure and storage is allowed; elsewhere
 * it keeps nothing. `name` is that of the cache.
 */
export function defaultIndexCache(name = "lazyimg-gzip-index"): IndexCache {
  // The Cache API wants URLs; this one is never fetched.
  const requestOf = (key: string): string => `https://gzip-index.invalid/${encodeURIComponent(key)}`;
  const open = async (): Promise<Cache | null> => (typeof caches === "undefined" ? null : caches.open(name));
  return {
    async get(key): Promise<Uint8Array | null> {
      const response = await (await open())?.match(requestOf(key));
      return response === undefined ? null : new Uint8Array(await response.arrayBuffer());
    },
    async set(key, bytes): Promise<void> {
      await (await open())?.put(requestOf(key), new Response(bytes as Uint8Array<ArrayBuffer>));
    },
  };
}
