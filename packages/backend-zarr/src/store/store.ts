import { isLazyImageError, LazyImageError, type ZarrStore } from "@lazyimg/core";
import { abortable } from "@lazyimg/core/abort";

/** Options of one read from a store. */
export interface GetOptions {
  readonly signal?: AbortSignal | undefined;
  /** The most bytes that the whole object may have. A server, which may send on and on, is not listened to any further. */
  readonly most?: number | undefined;
}

/** Part of an object: from an offset, or the last bytes of it. */
export type StoreRange =
  | { readonly offset: number; readonly length: number }
  | { readonly suffixLength: number };

/** Objects by key, as this package reads them. Keys have no leading slash and no `.` or `..` segments. */
export interface Store {
  /** Where it is, for messages; no secrets. */
  readonly name: string;
  /** Ranges of one object that lie closer together than this many bytes are read as one. */
  readonly gap: number;
  /** Most reads at a time. */
  readonly concurrency: number;
  /** The whole object; `undefined` where there is none. */
  get(key: string, options?: GetOptions): Promise<Uint8Array | undefined>;
  /** Part of an object, shorter where the object ends before; `undefined` where there is none. */
  getRange(key: string, range: StoreRange, options?: GetOptions): Promise<Uint8Array | undefined>;
  /** Set by stores that answer at once, because waiting for a thread would cost more than reading. */
  readonly sync?: {
    get(key: string): Uint8Array | undefined;
    /** The file of an object, for a worker that reads it itself. */
    fileOf(key: string): string;
  };
  close?(): Promise<void>;
}

/**
 * Whether a path from a file's metadata stays inside its group: no empty, `.` or `..` segments, no backslash, colon or
 * control character.
 */
export function isSafePath(path: string): boolean {
  return (
    !/[\\:\p{Cc}]/u.test(path) &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..")
  );
}

/** `part` of `bytes`, as `getRange` gives it. */
export function cut(bytes: Uint8Array, range: StoreRange): Uint8Array {
  return "suffixLength" in range
    ? bytes.subarray(Math.max(0, bytes.length - range.suffixLength))
    : bytes.subarray(range.offset, range.offset + range.length);
}

type Get = (key: string, options?: GetOptions) => unknown;
type GetRange = (key: string, range: StoreRange, options?: GetOptions) => unknown;

/**
 * Any zarrita store, or a Map from keys (with their leading slash, as zarrita's, or without) to bytes. It stays the
 * caller's: it is not closed here.
 */
export function storeOf(source: ZarrStore): Store {
  const isMap = source instanceof Map;
  const get = (source.get as unknown as Get).bind(source);
  const range = (source.getRange as unknown as GetRange | undefined)?.bind(source);
  const check = (value: unknown, key: string): Uint8Array | undefined => {
    if (value === undefined || value === null) return undefined;
    if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    throw new LazyImageError("ERR_IO", `The Zarr store gave ${typeof value} for ${key}, not bytes`);
  };
  const ask = async (key: string, request: () => unknown, signal: AbortSignal | undefined) => {
    signal?.throwIfAborted();
    try {
      return check(await abortable(Promise.resolve(request()), signal), key);
    } catch (cause) {
      signal?.throwIfAborted();
      if (isLazyImageError(cause)) throw cause;
      throw new LazyImageError("ERR_IO", `The Zarr store failed to read ${key}: ${String(cause)}`, { cause });
    }
  };
  const whole = (key: string, { signal }: GetOptions = {}) =>
    ask(key, () => (isMap ? (get(`/${key}`) ?? get(key)) : get(`/${key}`, { signal })), signal);
  return {
    name: "the Zarr store",
    gap: 64 * 1024,
    concurrency: 8,
    get: whole,
    async getRange(key, part, options = {}) {
      if (range !== undefined) return ask(key, () => range(`/${key}`, part, options), options.signal);
      const bytes = await whole(key, options);
      return bytes && cut(bytes, part);
    },
  };
}
