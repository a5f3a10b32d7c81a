import { openSource } from "@lazyimg/byte-source";
import {
  type BackendDescriptor,
  type BackendRequest,
  defineBackend,
  describeRequest,
  type ImageDataBackend,
} from "@lazyimg/core";
import { type ArrayLayout, checkLayout, rawArray, stridesInOrder } from "@lazyimg/raw-array";
import { HEADER_BYTES, parseHeader } from "./header.js";
import { matchesExample } from "./match.js";

/**
 * Opens an Example image: reads the header, no voxels.
 *
 * @throws LazyImageError `ERR_TRUNCATED` when the file is smaller than its header states, and what `parseHeader` and the
 * source throw
 */
export async function openExample(
  request: BackendRequest,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ImageDataBackend> {
  const what = describeRequest(request);
  // A path, URL, Blob or bytes: all are read by ranges.
  const source = openSource(request);
  try {
    const { header, offset } = parseHeader(await source.read(0, HEADER_BYTES, options), what);
    const { shape, dtype, affine } = header;
    const layout: ArrayLayout = {
      offset,
      dtype,
      littleEndian: true,
      shape,
      // Axes of (C, I, J, K) by number, the fastest on disk first.
      strides: stridesInOrder(shape, [1, 2, 3, 0]),
    };
    // Never believe a header before it is compared with the size of the file.
    checkLayout(layout, await source.size(options), what);
    return defineBackend({
      ...rawArray(source, layout),
      shape,
      affine,
      dtype,
      header,
      close: async () => source.close?.(),
    });
  } catch (error) {
    await source.close?.();
    throw error;
  }
}

/** The descriptor that importing `PACKAGE_NAME` registers. */
export const exampleBackend: BackendDescriptor = {
  name: "example",
  matches: matchesExample,
  open: openExample,
};
