import { openSibling, openSource } from "@lazyimg/byte-source";
import { type BackendRequest, describeRequest, LazyImageError, requestName } from "@lazyimg/core";
import { type DataFile, type OpenedFile, openFile } from "@lazyimg/data-file";
import { NIFTI_PROBE_BYTES } from "@lazyimg/nifti-header/parse";

interface Options {
  readonly signal?: AbortSignal | undefined;
}

/** The header's file and the voxels' file: the same one for `.nii`, a pair for `.hdr` and `.img`. */
export interface NiftiFiles {
  readonly header: OpenedFile;
  /** The file of the voxels, opened once the header is known to be half of a pair. */
  openVoxels(): Promise<OpenedFile>;
  close(): Promise<void>;
}

const HALF = /\.(hdr|img)(\.gz)?$/i;

/** The other half's name with the same letters' case, gzipped as this one is, and then the other way. */
function otherNames(name: string): string[] {
  const [, half = "", gz = ""] = HALF.exec(name) ?? [];
  const other = half.toLowerCase() === "hdr" ? "img" : "hdr";
  const cased = half === half.toUpperCase() ? other.toUpperCase() : other;
  const stem = `${name.slice(0, name.length - half.length - gz.length)}${cased}`;
  const gzip = half === half.toUpperCase() ? ".GZ" : ".gz";
  return gz === "" ? [stem, stem + gzip] : [stem + gz, stem];
}

/** Opens one of the files, of which `gzipIndex` is about the one with the voxels. */
function openPart(
  request: BackendRequest,
  file: DataFile,
  voxels: boolean,
  options: Options,
): Promise<OpenedFile> {
  const readerOptions = voxels ? request.readerOptions : { ...request.readerOptions, gzipIndex: false };
  return openFile({ ...request, readerOptions }, file, NIFTI_PROBE_BYTES, options);
}

async function openOther(request: BackendRequest, name: string, options: Options): Promise<OpenedFile> {
  const names = otherNames(name);
  const voxels = /\.hdr(\.gz)?$/i.test(name);
  for (const other of names) {
    const source = await openSibling(request, other, options);
    if (source !== null) return openPart(request, { source, name: other }, voxels, options);
  }
  throw new LazyImageError(
    "ERR_PAIR",
    `${describeRequest(request)} is half of a pair, and ${names.join(" or ")} is not beside it; copy both, or give \`sibling\`.`,
  );
}

/**
 * Opens the file that the request names, and finds the header: in it, or in the other half of its pair.
 *
 * @throws LazyImageError `ERR_PAIR` when the other half is missing, and what reading throws
 */
export async function openFiles(request: BackendRequest, options: Options): Promise<NiftiFiles> {
  const name = requestName(request);
  const half = HALF.exec(name ?? "")?.[1]?.toLowerCase();
  const opened: OpenedFile[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(opened.map(({ source }) => source.close?.()));
  };
  const keep = (file: OpenedFile): OpenedFile => {
    opened.push(file);
    return file;
  };
  try {
    const file = { source: openSource(request), name };
    const named = keep(await openPart(request, file, half !== "hdr", options));
    const header = half === "img" ? keep(await openOther(request, name!, options)) : named;
    const openVoxels = async (): Promise<OpenedFile> =>
      half === "hdr" ? keep(await openOther(request, name!, options)) : named;
    return { header, openVoxels, close };
  } catch (error) {
    await close();
    throw error;
  }
}
