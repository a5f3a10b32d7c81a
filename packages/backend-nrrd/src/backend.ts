import { openSource } from "@lazyimg/byte-source";
import {
  type BackendDescriptor,
  type BackendRequest,
  type ByteSource,
  defineBackend,
  describeRequest,
  type ImageDataBackend,
  LazyImageError,
} from "@lazyimg/core";
import { type DataFile, openDataFile, openInflated, readTextHeader, within } from "@lazyimg/data-file";
import { type ArrayLayout, checkLayout, layoutBytes, rawArray } from "@lazyimg/raw-array";
import { type NrrdHeader, parseNrrdHeader } from "./header.js";
import { isNrrd, matchesNrrd } from "./match.js";

interface Options {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens an NRRD image (`.nrrd`, or `.nhdr` with its data file): reads the header, no voxels.
 *
 * @throws LazyImageError `ERR_TRUNCATED` when the file is smaller than its header states, `ERR_PAIR` when the data file is
 * missing, `ERR_HEADER` when its path leads out of the folder, and what `parseNrrdHeader` and the source throw
 */
export async function openNrrd(request: BackendRequest, options: Options = {}): Promise<ImageDataBackend> {
  const what = describeRequest(request);
  let source = openSource(request);
  try {
    const { text, length } = await readTextHeader(source, endOfHeader, what, options);
    const header = parseNrrdHeader(text, what, request.affine);
    let file: DataFile = { source };
    if (header.dataFile !== undefined) {
      file = await openDataFile(request, header.dataFile, options);
      await source.close?.();
      source = file.source;
    }
    const begin = header.dataFile === undefined ? length : 0;
    const voxels = await openVoxels(request, file, begin, header, options);
    source = voxels.source;
    checkLayout(voxels.layout, voxels.mostBytes, what);
    return defineBackend({
      ...rawArray(source, voxels.layout),
      shape: header.shape,
      affine: header.affine,
      affineSource: header.affineSource,
      dtype: header.dtype,
      header,
      close: async () => source.close?.(),
    });
  } catch (error) {
    await source.close?.();
    throw error;
  }
}

/** Behind the empty line; the end of the file where voxels are elsewhere. What is no NRRD has no header at all. */
function endOfHeader(bytes: Uint8Array, whole: boolean): number | null {
  if (!isNrrd(bytes)) return Math.min(bytes.length, 20);
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) {
    const next = bytes[at + 1] === 13 ? at + 2 : at + 1;
    if (bytes[next] === 10) return next + 1;
  }
  return whole ? bytes.length : null;
}

/** The voxels of a data file, and where they are in it. */
async function openVoxels(
  request: BackendRequest,
  file: DataFile,
  begin: number,
  header: NrrdHeader,
  options: Options,
): Promise<{ readonly source: ByteSource; readonly layout: ArrayLayout; readonly mostBytes: number | null }> {
  const { dtype, littleEndian, shape, strides, lineSkip, byteSkip } = header;
  const layout = { dtype, littleEndian, shape, strides, offset: 0 };
  const offset = await behindLines(file.source, begin, lineSkip, request, options);
  if (header.encoding === "raw") {
    const size = await file.source.size(options);
    const fromEnd = Math.max(offset, (size ?? 0) - layoutBytes(layout));
    return {
      source: file.source,
      layout: { ...layout, offset: byteSkip < 0 ? fromEnd : offset + byteSkip },
      mostBytes: size,
    };
  }
  if (byteSkip < 0) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `${describeRequest(request)} has its voxels at the end of gzip, whose size is not known; state "byte skip" as a number.`,
    );
  }
  // Lines are skipped before inflating, bytes after it.
  const compressed = offset === 0 ? file : { source: within(file.source, offset) };
  const { source, mostBytes } = await openInflated(request, compressed, 0, options);
  return { source, layout: { ...layout, offset: byteSkip }, mostBytes };
}

/** Lines that are skipped lie within so many bytes. */
const MOST_LINES = 1 << 20;

/** The byte behind so many lines. */
async function behindLines(
  source: ByteSource,
  begin: number,
  lines: number,
  request: BackendRequest,
  options: Options,
): Promise<number> {
  if (lines === 0) return begin;
  const bytes = await source.read(begin, MOST_LINES, options);
  let at = -1;
  for (let line = 0; line < lines; line++) {
    at = bytes.indexOf(10, at + 1);
    if (at < 0) {
      throw new LazyImageError(
        "ERR_HEADER",
        `${describeRequest(request)} skips ${lines} lines, but in ${bytes.length} bytes there are ${line}; its header is damaged.`,
      );
    }
  }
  return begin + at + 1;
}

/** The descriptor that importing `@lazyimg/backend-nrrd` registers. */
export const nrrd: BackendDescriptor = { name: "nrrd", matches: matchesNrrd, open: openNrrd };
