import { LazyImageError } from "@lazyimg/core";

/** Throws `ERR_INVALID_ARGUMENT` unless `[offset, offset + length)` can be asked for and fits `into`. */
export function checkRange(offset: number, length: number, into?: Uint8Array | undefined): void {
  if (!Number.isSafeInteger(offset) || offset < 0) refuse("offset", offset);
  if (!Number.isSafeInteger(length) || length < 0) refuse("length", length);
  if (into !== undefined && into.byteLength < length) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `The memory to read into holds ${into.byteLength} bytes, but ${length} were asked for`,
    );
  }
}

/** As `checkRange`, for a stream, whose `length` may be `Infinity`; returns the end. */
export function checkSpan(offset: number, length: number): number {
  checkRange(offset, length === Number.POSITIVE_INFINITY ? 0 : length);
  return offset + length;
}

function refuse(what: string, found: unknown): never {
  throw new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    `The ${what} of a read is a whole number of bytes, 0 or more, not ${String(found)}`,
  );
}

/** The first `length` bytes of the caller's memory, or fresh memory. Throws `ERR_LIMIT` where there is not so much. */
export function memoryFor(length: number, into: Uint8Array | undefined): Uint8Array {
  if (into !== undefined) return into.subarray(0, length);
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw new LazyImageError("ERR_LIMIT", `Cannot hold ${length} bytes at once: read in parts or stream`, {
      cause,
    });
  }
}

/** A copy of `part`, in the caller's memory or fresh memory. */
export function copyOf(part: Uint8Array, into: Uint8Array | undefined): Uint8Array {
  const target = memoryFor(part.length, into);
  target.set(part);
  return target;
}

/** The error of a source that was read after `close()`. */
export function closedError(name: string | undefined): LazyImageError {
  return new LazyImageError(
    "ERR_CLOSED",
    `${name ?? "This source"} was closed before: open it again to read`,
  );
}
