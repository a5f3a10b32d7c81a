import {
  type BackendDescriptor,
  type BackendRequest,
  describeRequest,
  type ImageDataBackend,
  LazyImageError,
} from "@lazyimg/core";
import { type DataFile, openInflated, openTextImage, type Voxels, within } from "@lazyimg/data-file";
import { layoutBytes } from "@lazyimg/raw-array";
import { type MetaImageHeader, parseMetaImageHeader } from "./header.js";
import { matchesMetaImage } from "./match.js";

interface Options {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a MetaImage (`.mha`, or `.mhd` with its data file): reads the header, no voxels.
 *
 * @throws LazyImageError `ERR_TRUNCATED` when the file is smaller than its header states, `ERR_PAIR` when the data file is
 * missing, `ERR_HEADER` when its path leads out of the folder, and what `parseMetaImageHeader` and the source throw
 */
export function openMetaImage(request: BackendRequest, options: Options = {}): Promise<ImageDataBackend> {
  const format = {
    end: endOfHeader,
    parse: (text: string, what: string) => parseMetaImageHeader(text, what, request.affine),
    voxels: (header: MetaImageHeader, file: DataFile, begin: number) =>
      openVoxels(request, file, begin, header, options),
  };
  return openTextImage(request, format, options);
}

/** Behind the line with ElementDataFile, which is the last one. */
function endOfHeader(bytes: Uint8Array, whole: boolean): number | null {
  // One letter for every byte.
  const text = new TextDecoder("latin1").decode(bytes);
  const found = /^[ \t]*ElementDataFile[ \t]*[=:][^\n]*(\n?)/m.exec(text);
  if (found === null || (found[1] === "" && !whole)) return null;
  return found.index + found[0].length;
}

/** The voxels of a data file, and where they are in it. */
async function openVoxels(
  request: BackendRequest,
  file: DataFile,
  begin: number,
  header: MetaImageHeader,
  options: Options,
): Promise<Voxels> {
  const { dtype, littleEndian, shape, strides, headerSize, compressed, compressedSize } = header;
  const layout = { dtype, littleEndian, shape, strides, offset: 0 };
  const size = await file.source.size(options);
  const length = compressed ? compressedSize : layoutBytes(layout);
  let offset = headerSize > 0 ? headerSize : begin;
  if (headerSize < 0) offset = Math.max(begin, (size ?? 0) - length);
  if (!compressed) return { source: file.source, layout: { ...layout, offset }, mostBytes: size };
  if (size !== null && offset + compressedSize > size) {
    throw new LazyImageError(
      "ERR_TRUNCATED",
      `${describeRequest(request)} states ${compressedSize} compressed bytes from byte ${offset}, but there are ${size}; it was cut short or its header is damaged.`,
    );
  }
  const isWhole = offset === 0 && (compressedSize === 0 || compressedSize === size);
  const part = isWhole
    ? file
    : { source: within(file.source, offset, compressedSize || Number.POSITIVE_INFINITY) };
  return { ...(await openInflated(request, part, 0, options)), layout };
}

/** The descriptor that importing `@lazyimg/backend-metaimage` registers. */
export const metaimage: BackendDescriptor = {
  name: "metaimage",
  matches: matchesMetaImage,
  open: openMetaImage,
};
