import type { ByteSource } from "@lazyimg/core";
import { isByteSource, LazyImageError } from "@lazyimg/core";
import type { GzipIndex } from "./gzip-index.js";
import { readHeader } from "./member.js";

/** An index made before: its bytes, where they are, or what finds them (`null` where there is none), to be closed when read. */
export type Sidecar =
  | Uint8Array
  | ByteSource
  | ((signal?: AbortSignal) => Promise<Uint8Array | ByteSource | null>);

/** What is asked for at first: all of most indices, without their size, which may be a request of its own. */
const HEAD = 1 << 24;
// Windows of 8192 points. A number that bounds an allocation, not one that a file reaches.
const MOST_BYTES = 1 << 28;

/** The bytes of a sidecar; `null` where there is none. */
export async function readSidecar(sidecar: Sidecar, signal?: AbortSignal): Promise<Uint8Array | null> {
  if (typeof sidecar !== "function") return bytesOf(sidecar, signal);
  const found = await sidecar(signal);
  if (found === null) return null;
  try {
    return await bytesOf(found, signal);
  } finally {
    if (!(found instanceof Uint8Array)) await found.close?.();
  }
}

async function bytesOf(sidecar: Uint8Array | ByteSource, signal?: AbortSignal): Promise<Uint8Array> {
  if (sidecar instanceof Uint8Array) return sidecar;
  if (!isByteSource(sidecar)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      "`sidecar` must be bytes, a ByteSource, or a function that gives one of these.",
    );
  }
  const head = await sidecar.read(0, HEAD, { signal });
  if (head.length < HEAD) return head;
  const size = await sidecar.size({ signal });
  if (size === null || size > MOST_BYTES) {
    throw new LazyImageError(
      "ERR_LIMIT",
      `A gzip index of ${size ?? "unknown"} bytes; at most ${MOST_BYTES} are read.`,
    );
  }
  return sidecar.read(0, size, { signal });
}

/**
 * Whether `index` can be that of `inner`, at the cost of its first bytes: the compressed size, and where the first
 * member's data begin. What lies between two points is checked whenever it is inflated.
 *
 * @returns what contradicts, or `null`
 */
export async function contradiction(
  index: GzipIndex,
  inner: ByteSource,
  options: { readonly head?: Uint8Array | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<string | null> {
  const { signal } = options;
  const size = await inner.size({ signal });
  if (size !== null && size !== index.compressedSize) {
    return `it is for a file of ${index.compressedSize} bytes, and this one has ${size}`;
  }
  const head = options.head ?? (await inner.read(0, Math.min(512, index.compressedSize), { signal }));
  const first = index.points[0]!.bit;
  try {
    const header = readHeader(head);
    if (header !== null && header.length * 8 !== first)
      return "its first point is not the end of the gzip header";
  } catch {
    return "the file begins with no gzip header";
  }
  return null;
}
