import { requestName } from "@lazyimg/core";
import { peek, type SourceRequest } from "./request.js";

/**
 * Whether what a request describes begins as a format does; for bytes, Blobs and byte sources, whose name tells nothing
 * when it has no extension. Everything else is told by its name, and is not opened to ask.
 *
 * @param length bytes that `begins` looks at, 4096 or fewer; it gets fewer where there are no more
 * @throws as `peek`
 */
export async function sniff(
  request: SourceRequest & { readonly reader?: unknown },
  length: number,
  begins: (head: Uint8Array) => boolean,
): Promise<boolean> {
  const { bytes, blob, byteSource, reader } = request;
  if (reader !== undefined || (bytes ?? blob ?? byteSource) === undefined) return false;
  return !requestName(request)?.includes(".") && begins(await peek(request, length));
}
