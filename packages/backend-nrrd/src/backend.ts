import {
  type BackendDescriptor,
  type BackendRequest,
  type ByteSource,
  describeRequest,
  type ImageDataBackend,
  LazyImageError,
} from "@lazyimg/core";
import { type DataFile, openInflated, openTextImage, type Voxels, within } from "@lazyimg/data-file";
import { layoutBytes } from "@lazyimg/raw-array";
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
export function openNrrd(request: BackendRequest, options: Options = {}): Promise<ImageDataBackend> {
  const format = {
    end: endOfHeader,
    parse: (text: string, what: string) => parseNrrdHeader(text, what, request.affine),
    voxels: (header: NrrdHeader, file: DataFile, begin: number) =>
      openVoxels(request, file, begin, header, options),
  };
  return openTextImage(request, format, options);
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
): Promise<Voxels> {
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
