import { openSource } from "@lazyimg/byte-source";
import {
  type BackendDescriptor,
  type BackendRequest,
  type ByteSource,
  defineBackend,
  describeRequest,
  hasExtension,
  type ImageDataBackend,
  requestName,
  sizeOf,
} from "@lazyimg/core";
import { openFile, openTextHeader } from "@lazyimg/data-file";
import { checkLayout, rawArray, stridesInOrder } from "@lazyimg/raw-array";
import { mirrored } from "./backwards.js";
import { bitArray } from "./bits.js";
import { type ParsedHeader, parseMifHeader } from "./header.js";
import { isMif, matchesMif } from "./match.js";

interface Options {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens an MRtrix image (`.mif`, `.mif.gz`, `.mih` with its data file): reads the header, no voxels.
 *
 * @throws LazyImageError `ERR_TRUNCATED` when the file is smaller than its header states, `ERR_PAIR` when the data file is
 * missing, `ERR_HEADER` when its path leads out of the folder, and what `parseMifHeader` and the source throw
 */
export async function openMif(request: BackendRequest, options: Options = {}): Promise<ImageDataBackend> {
  let source = openSource(request);
  let mostBytes: number | null | undefined;
  if (hasExtension(request, ".gz")) {
    const gzipped = { source, name: requestName(request) };
    ({ source, mostBytes } = await openFile(request, gzipped, 0, options));
  }
  const format = { end: endOfHeader, parse: parseMifHeader };
  const { header: parsed, file } = await openTextHeader(request, source, format, options);
  ({ source } = file);
  try {
    if (mostBytes === undefined || parsed.dataFile !== undefined) mostBytes = await source.size(options);
    const { shape, affine, affineSource, stored, scaling, header, backwards } = parsed;
    return defineBackend({
      ...mirrored(arrayOf(source, parsed, mostBytes, describeRequest(request)), shape, backwards),
      ...{ shape, affine, affineSource, scaling, header },
      dtype: stored === "bit" ? "uint8" : stored,
      close: async () => source.close?.(),
    });
  } catch (error) {
    await source.close?.();
    throw error;
  }
}

/** At the line END; the end of the file where there is none. What is not MRtrix's has no header at all. */
function endOfHeader(bytes: Uint8Array, whole: boolean): number | null {
  if (!isMif(bytes)) return Math.min(bytes.length, 20);
  const end = /^END\s*$/m.exec(new TextDecoder("latin1").decode(bytes))?.index;
  return end ?? (whole ? bytes.length : null);
}

/** A reader of the voxels as they lie on disk, which are known to fit into the file. */
function arrayOf(
  source: ByteSource,
  { shape, stored, littleEndian, fastestFirst, header }: ParsedHeader,
  mostBytes: number | null,
  what: string,
): ReturnType<typeof bitArray> {
  const strides = stridesInOrder(shape, fastestFirst);
  const { offset } = header.file;
  if (stored === "bit") {
    const bytes = Math.ceil(sizeOf(shape) / 8);
    const packed = { shape: [1, 1, 1, bytes], strides: [bytes, bytes, bytes, 1] } as const;
    checkLayout({ ...packed, offset, dtype: "uint8", littleEndian }, mostBytes, what);
    return bitArray(source, { offset, strides });
  }
  const layout = { offset, dtype: stored, littleEndian, shape, strides };
  checkLayout(layout, mostBytes, what);
  return rawArray(source, layout);
}

/** The descriptor that importing `@lazyimg/backend-mif` registers. */
export const mif: BackendDescriptor = { name: "mif", matches: matchesMif, open: openMif };
