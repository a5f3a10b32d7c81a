import { type ByteSource, LazyImageError } from "@lazyimg/core";
import { inflate } from "#inflate";
import { cut, type GetOptions, isSafePath, type Store } from "./store.js";

/** One file of an archive. */
interface Entry {
  readonly method: number;
  readonly compressedSize: number;
  readonly size: number;
  /** Where its local header begins. */
  readonly offset: number;
  /** Bytes of the local header, once it was read. */
  headerBytes?: number;
}

const END_RECORD = 22;
const END_RECORD_64 = 56;
const LOCATOR_64 = 20;
const LOCAL_HEADER = 30;
const CENTRAL_HEADER = 46;
const STORED = 0;
const DEFLATED = 8;
/** A byte of deflate cannot hold more than this many. */
const DEFLATE_RATIO = 1032;
/** An archive may end with a comment of this size. */
const MAX_COMMENT = 65_535;
/** Beyond this, an archive's directory is not Zarr's but an attack or a mistake. */
const MAX_DIRECTORY = 256 << 20;

const corrupt = (source: ByteSource, what: string): LazyImageError =>
  new LazyImageError("ERR_CORRUPT", `${source.name ?? "The zip archive"} ${what}`);

async function readExactly(source: ByteSource, offset: number, length: number, signal?: AbortSignal) {
  const bytes = await source.read(offset, length, { signal });
  if (bytes.length < length) {
    throw new LazyImageError(
      "ERR_TRUNCATED",
      `${source.name ?? "The zip archive"} ends at byte ${offset + bytes.length}; ${length} bytes were expected from ${offset}`,
    );
  }
  return bytes;
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A 64-bit number that a file offset can be. */
function big(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

/** Where the central directory lies (APPNOTE 4.3.16, 4.3.14). */
async function findDirectory(source: ByteSource, signal: AbortSignal | undefined) {
  const size = await source.size({ signal });
  if (size === null)
    throw new LazyImageError("ERR_UNSUPPORTED", "A zip archive inside gzip cannot be read lazily");
  const tailBytes = Math.min(size, END_RECORD + MAX_COMMENT + LOCATOR_64);
  const tail = await readExactly(source, size - tailBytes, tailBytes, signal);
  const view = viewOf(tail);
  let at = tail.length - END_RECORD;
  while (at >= 0 && view.getUint32(at, true) !== 0x06054b50) at--;
  if (at < 0) throw corrupt(source, "is no zip archive: it has no end record");
  let count = view.getUint16(at + 10, true);
  let length = view.getUint32(at + 12, true);
  let offset = view.getUint32(at + 16, true);
  if (at >= LOCATOR_64 && view.getUint32(at - LOCATOR_64, true) === 0x07064b50) {
    const record = viewOf(await readExactly(source, big(view, at - LOCATOR_64 + 8), END_RECORD_64, signal));
    if (record.getUint32(0, true) !== 0x06064b50)
      throw corrupt(source, "has no zip64 end record where it should be");
    count = big(record, 32);
    length = big(record, 40);
    offset = big(record, 48);
  }
  if (!(offset + length <= size) || length > MAX_DIRECTORY || count * CENTRAL_HEADER > length) {
    throw corrupt(
      source,
      `says its directory has ${count} entries in ${length} bytes from ${offset}, of ${size}`,
    );
  }
  return { offset, length, size };
}

/** The entries of the archive, by name (APPNOTE 4.3.12). */
async function readDirectory(
  source: ByteSource,
  signal: AbortSignal | undefined,
): Promise<Map<string, Entry>> {
  const { offset, length, size: archiveSize } = await findDirectory(source, signal);
  const bytes = await readExactly(source, offset, length, signal);
  const view = viewOf(bytes);
  const decoder = new TextDecoder();
  const entries = new Map<string, Entry>();
  for (let at = 0; at + CENTRAL_HEADER <= length; ) {
    if (view.getUint32(at, true) !== 0x02014b50)
      throw corrupt(source, `has a damaged directory at byte ${offset + at}`);
    const flags = view.getUint16(at + 8, true);
    const nameBytes = view.getUint16(at + 28, true);
    const extraBytes = view.getUint16(at + 30, true);
    const next = at + CENTRAL_HEADER + nameBytes + extraBytes + view.getUint16(at + 32, true);
    if (next > length) throw corrupt(source, `has a damaged directory at byte ${offset + at}`);
    const name = decoder.decode(bytes.subarray(at + CENTRAL_HEADER, at + CENTRAL_HEADER + nameBytes));
    const method = view.getUint16(at + 10, true);
    let compressedSize = view.getUint32(at + 20, true);
    let size = view.getUint32(at + 24, true);
    let start = view.getUint32(at + 42, true);
    // The zip64 field holds, in this order, what did not fit above (APPNOTE 4.5.3).
    for (let extra = at + CENTRAL_HEADER + nameBytes; extra + 4 <= next; ) {
      const fieldBytes = view.getUint16(extra + 2, true);
      if (view.getUint16(extra, true) === 1) {
        let field = extra + 4;
        const take = (short: number): number => {
          if (short !== 0xffffffff || field + 8 > Math.min(next, extra + 4 + fieldBytes)) return short;
          field += 8;
          return big(view, field - 8);
        };
        size = take(size);
        compressedSize = take(compressedSize);
        start = take(start);
      }
      extra += 4 + fieldBytes;
    }
    at = next;
    if (name.endsWith("/")) continue;
    const path = name.replace(/^\/+/, "");
    if (!isSafePath(path))
      throw corrupt(source, `has an entry named ${JSON.stringify(name)}, which leaves the archive`);
    if ((flags & 1) !== 0)
      throw new LazyImageError("ERR_UNSUPPORTED", `${path} in ${source.name} is encrypted`);
    if (!(start + compressedSize <= archiveSize))
      throw corrupt(source, `says that ${path} lies beyond its end`);
    entries.set(path, { method, compressedSize, size, offset: start });
  }
  return entries;
}

/** The prefix of the group inside the archive: many hold one folder, named as the archive. */
function rootOf(entries: ReadonlyMap<string, Entry>): string {
  const metadata = ["zarr.json", ".zgroup", ".zarray", ".zmetadata"];
  if (metadata.some((name) => entries.has(name))) return "";
  const folders = new Set([...entries.keys()].map((name) => name.slice(0, name.indexOf("/") + 1)));
  folders.delete("__MACOSX/");
  const [only] = folders;
  return folders.size === 1 && metadata.some((name) => entries.has(only + name)) ? only! : "";
}

/**
 * The files of a zip archive. Its directory is read once; a file is one read of its part of the archive.
 *
 * @param source the archive, which is closed with the store
 * @throws LazyImageError `ERR_CORRUPT`, `ERR_TRUNCATED`, `ERR_UNSUPPORTED`
 */
export async function zipStore(source: ByteSource, { signal }: GetOptions = {}): Promise<Store> {
  const entries = await readDirectory(source, signal);
  const root = rootOf(entries);

  /** Where an entry's bytes begin: its local header may have other extra fields than the directory says. */
  async function startOf(entry: Entry, options: GetOptions): Promise<number> {
    if (entry.headerBytes === undefined) {
      const header = await readExactly(source, entry.offset, LOCAL_HEADER, options.signal);
      entry.headerBytes = localHeaderBytes(header, source);
    }
    return entry.offset + entry.headerBytes;
  }

  async function get(key: string, options: GetOptions = {}): Promise<Uint8Array | undefined> {
    const entry = entries.get(root + key);
    if (entry === undefined) return undefined;
    // The local header comes along; its length is nearly always that of the name and a short extra field.
    const guess = LOCAL_HEADER + root.length + key.length + 64 + entry.compressedSize;
    const bytes = await source.read(entry.offset, guess, { signal: options.signal });
    if (bytes.length < LOCAL_HEADER) throw corrupt(source, `ends before ${key}`);
    entry.headerBytes ??= localHeaderBytes(bytes, source);
    const { headerBytes, compressedSize } = entry;
    const data =
      headerBytes + compressedSize <= bytes.length
        ? bytes.slice(headerBytes, headerBytes + compressedSize)
        : await readExactly(source, entry.offset + headerBytes, compressedSize, options.signal);
    if (entry.method === STORED) return data;
    if (entry.method !== DEFLATED) {
      throw new LazyImageError(
        "ERR_UNSUPPORTED",
        `${key} in ${source.name} is compressed by method ${entry.method}`,
      );
    }
    if (entry.size > DEFLATE_RATIO * compressedSize + 64)
      throw corrupt(source, `says that ${key} has ${entry.size} bytes`);
    const result = await inflate("deflate-raw", data, entry.size, key);
    if (result.length !== entry.size)
      throw corrupt(source, `holds ${result.length} of the ${entry.size} bytes of ${key}`);
    return result;
  }

  return {
    name: source.name ?? "the zip archive",
    gap: source.gap,
    concurrency: 8,
    get,
    async getRange(key, range, options = {}) {
      const entry = entries.get(root + key);
      if (entry === undefined) return undefined;
      if (entry.method !== STORED) {
        const bytes = await get(key, options);
        return bytes && cut(bytes, range);
      }
      const start = await startOf(entry, options);
      const offset = "suffixLength" in range ? Math.max(0, entry.size - range.suffixLength) : range.offset;
      const wanted = "suffixLength" in range ? range.suffixLength : range.length;
      const length = Math.max(0, Math.min(wanted, entry.size - offset));
      return source.read(start + offset, length, { signal: options.signal });
    },
    close: async () => source.close?.(),
  };
}

function localHeaderBytes(header: Uint8Array, source: ByteSource): number {
  const view = viewOf(header);
  if (view.getUint32(0, true) !== 0x04034b50)
    throw corrupt(source, "has no local header where its directory says");
  return LOCAL_HEADER + view.getUint16(26, true) + view.getUint16(28, true);
}
