import { isLazyImageError, type LazyImageError } from "@lazyimg/core";

/** The error of ours that a promise rejects with; any other one is thrown. */
export async function failure(promise: Promise<unknown>): Promise<LazyImageError> {
  const error = await promise.then(
    () => new Error("it resolved"),
    (reason: unknown) => reason,
  );
  if (!isLazyImageError(error)) throw error;
  return error;
}

/** All that a stream gives. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part.slice());
  return new Uint8Array(Buffer.concat(parts));
}
