import { openSource } from "@lazyimg/byte-source";
import {
  type BackendDriver,
  type BackendRequest,
  type ByteSource,
  defineBackend,
  describeRequest,
  type ImageDataBackend,
} from "@lazyimg/core";
import { type ArrayLayout, checkLayout, rawArray } from "@lazyimg/raw-array";
import type { DataFile } from "./open-file.js";
import { openTextHeader, type TextFormat } from "./text-header.js";

interface Options {
  readonly signal?: AbortSignal | undefined;
}

/** What the header of such an image tells. */
export type TextImageHeader = Pick<BackendDriver, "shape" | "affine" | "affineSource" | "dtype"> & {
  /** The file with the voxels as the header names it, where that is another one. */
  readonly dataFile?: string | undefined;
};

/** Where the voxels of an image are. */
export interface Voxels {
  /** Has them as they are, inflated if they are compressed. */
  readonly source: ByteSource;
  readonly layout: ArrayLayout;
  /** Bytes in the source, or, where only inflating everything would tell, the most it could have. */
  readonly mostBytes: number | null;
}

/** A format with a header in text, whose voxels are one array behind it or in another file. */
export interface TextImageFormat<Header extends TextImageHeader> extends TextFormat<Header> {
  /**
   * Finds the voxels.
   *
   * @param file the one that has them
   * @param begin byte of it behind the header; 0 where that is another file
   */
  readonly voxels: (header: Header, file: DataFile, begin: number) => Promise<Voxels>;
}

/**
 * Opens an image of such a format: reads its header, no voxels.
 *
 * @throws LazyImageError `ERR_TRUNCATED` when the file is smaller than its header states, and what `openTextHeader` and the
 * format throw
 */
export async function openTextImage<Header extends TextImageHeader>(
  request: BackendRequest,
  format: TextImageFormat<Header>,
  options: Options = {},
): Promise<ImageDataBackend> {
  const { header, file, begin } = await openTextHeader(request, openSource(request), format, options);
  let { source } = file;
  try {
    const { layout, mostBytes, ...voxels } = await format.voxels(header, file, begin);
    source = voxels.source;
    checkLayout(layout, mostBytes, describeRequest(request));
    const { shape, affine, affineSource, dtype } = header;
    return defineBackend({
      ...{ shape, affine, affineSource, dtype, header },
      ...rawArray(source, layout),
      close: async () => source.close?.(),
    });
  } catch (error) {
    await source.close?.();
    throw error;
  }
}
