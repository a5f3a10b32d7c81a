import type { BackendRequest, ByteSource } from "@lazyimg/core";

/** Deflate can't shrink data further than this (RFC 1951: 258 bytes from a 1-bit length and a 1-bit distance code). */
const MOST_DEFLATE_RATIO = 1032;

/** What is read of a file that is compressed by its name: the header and what follows it, in one request. */
const GZIP_HEAD = 16384;

/** Whether a file begins as gzip does (RFC 1952: ID1, ID2). */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** A file of an image. */
export interface DataFile {
  readonly source: ByteSource;
  /** Its name in the folder of the request's file, where an index may lie beside it; left out where there is none. */
  readonly name?: string | undefined;
  /** What has been read of its beginning, if anything. */
  readonly head?: Uint8Array | undefined;
}

/** A file that was opened, inflated where it was compressed. */
export interface OpenedFile {
  readonly source: ByteSource;
  /** Its first bytes. */
  readonly head: Uint8Array;
  /** Bytes in it, or, where only inflating everything would tell, the most it could have. */
  readonly mostBytes: number | null;
}

interface Options {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the beginning of a file, through gzip if it is gzipped, whatever its name. Closes it when that fails.
 *
 * @param probe how many bytes of it are read, 16 KiB or fewer
 * @throws LazyImageError what reading throws, and `ERR_INVALID_ARGUMENT` for a reader option about gzip of the wrong kind
 */
export async function openFile(
  request: BackendRequest,
  file: DataFile,
  probe: number,
  options: Options = {},
): Promise<OpenedFile> {
  const { source, name = "" } = file;
  try {
    const compressed = /z$/i.test(name);
    const head = await source.read(0, compressed ? GZIP_HEAD : probe, options);
    if (!isGzip(head))
      return { source, head: head.subarray(0, probe), mostBytes: await source.size(options) };
    // A file that is gzipped in spite of its name is read again.
    return await openInflated(request, { ...file, head: compressed ? head : undefined }, probe, options);
  } catch (error) {
    await source.close?.();
    throw error;
  }
}

/**
 * Opens what is compressed, in gzip or zlib, for random access.
 *
 * @param probe how many bytes of its inflated beginning are read; 0 for none
 * @throws LazyImageError as `openFile`
 */
export async function openInflated(
  request: BackendRequest,
  file: DataFile,
  probe: number,
  options: Options = {},
): Promise<OpenedFile> {
  // An application that opens no compressed file never loads what inflates them.
  const { inflating } = await import("./inflating.js");
  const source = inflating(request, file);
  const head = await source.read(0, probe, options);
  const size = await file.source.size(options);
  const mostBytes = source.index?.()?.size ?? (size === null ? null : size * MOST_DEFLATE_RATIO);
  return { source, head, mostBytes };
}
