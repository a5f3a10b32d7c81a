import { beginDirectory, joinDirectory } from "#directory-sink";
import type { WriteZarrDirectoryOptions } from "./options.js";
import type { JoinedSink, OutputSink } from "./sink.js";

const isRemote = (target: string): boolean => /^(?!file:)[a-z][\w+.-]+:\/\//i.test(target);

/**
 * Where a conversion to `target` writes, for the one process that begins and ends it.
 *
 * @param fingerprint what is written and how: resuming with another one is refused
 * @throws LazyImageError `ERR_EXISTS`, `ERR_IO`, `ERR_INVALID_ARGUMENT`
 */
export async function beginOutput(
  target: string,
  fingerprint: string,
  options: WriteZarrDirectoryOptions,
): Promise<OutputSink> {
  if (isRemote(target)) return (await import("./object-sink.js")).beginObjects(target, fingerprint, options);
  return beginDirectory(target, fingerprint, options);
}

/**
 * The same place for any other process, while the one that began has not ended.
 *
 * @throws LazyImageError `ERR_NOT_FOUND` where nobody has begun with this fingerprint
 */
export async function joinOutput(
  target: string,
  fingerprint: string,
  options: WriteZarrDirectoryOptions,
): Promise<JoinedSink> {
  if (isRemote(target)) return (await import("./object-sink.js")).joinObjects(target, fingerprint, options);
  return joinDirectory(target, fingerprint);
}
