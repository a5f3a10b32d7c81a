import { openSource } from "@lazyimg/byte-source";
import {
  type BackendDescriptor,
  type BackendRequest,
  defineBackend,
  describeRequest,
  type ImageDataBackend,
  requestName,
  type Shape4D,
} from "@lazyimg/core";
import { openFile } from "@lazyimg/data-file";
import { type ArrayLayout, checkLayout, layoutBytes, rawArray, stridesInOrder } from "@lazyimg/raw-array";
import {
  MGH_FOOTER_BYTES,
  MGH_HEADER_BYTES,
  type MghFooter,
  type MghHeader,
  parseMghFooter,
  parseMghHeader,
} from "./header.js";
import { matchesMgh } from "./match.js";

/** The `header` of an MGH image: every field of the file's, and what lies behind the voxels on demand. */
export interface MghImageHeader extends MghHeader {
  /**
   * Reads TR, flip angle, TE, TI and field of view, which lie behind the voxels and are not read when the image is opened;
   * in a `.mgz` everything before them has to be inflated once. `null` where the file ends before.
   */
  readFooter(options?: { signal?: AbortSignal | undefined }): Promise<MghFooter | null>;
}

/**
 * Opens an MGH image (`.mgh`, or gzipped as `.mgz`): reads the header, no voxels.
 *
 * @throws LazyImageError `ERR_TRUNCATED` when the file is smaller than its header states, and what `parseMghHeader` and
 * the source throw
 */
export async function openMgh(
  request: BackendRequest,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ImageDataBackend> {
  const file = { source: openSource(request), name: requestName(request) };
  const { source, head, mostBytes } = await openFile(request, file, MGH_HEADER_BYTES, options);
  try {
    const what = describeRequest(request);
    const header = parseMghHeader(head, what, request.affine);
    const [i, j, k, frames] = header.dims;
    const shape: Shape4D = [frames, i, j, k];
    const layout: ArrayLayout = {
      offset: MGH_HEADER_BYTES,
      dtype: header.dtype,
      littleEndian: false,
      shape,
      strides: stridesInOrder(shape, [1, 2, 3, 0]),
    };
    checkLayout(layout, mostBytes, what);
    const withFooter: MghImageHeader = {
      ...header,
      readFooter: async (footerOptions = {}) => {
        const end = MGH_HEADER_BYTES + layoutBytes(layout);
        return parseMghFooter(await source.read(end, MGH_FOOTER_BYTES, footerOptions));
      },
    };
    return defineBackend({
      ...rawArray(source, layout),
      shape,
      affine: header.affine,
      affineSource: header.goodRASFlag ? "ras" : "base",
      dtype: header.dtype,
      header: withFooter,
      close: async () => source.close?.(),
    });
  } catch (error) {
    await source.close?.();
    throw error;
  }
}

/** The descriptor that importing `@lazyimg/backend-mgh` registers. */
export const mgh: BackendDescriptor = { name: "mgh", matches: matchesMgh, open: openMgh };
