import { openSibling, openSource } from "@lazyimg/byte-source";
import {
  type BackendRequest,
  type ByteSource,
  describeRequest,
  LazyImageError,
  requestName,
} from "@lazyimg/core";
import { NIFTI_PROBE_BYTES } from "@lazyimg/nifti-header/parse";
import type { GzippedFile } from "./gzip.js";
import { isGzip } from "./match.js";

/** Deflate can't shrink data further than this (RFC 1951: 258 bytes from a 1-bit length and a 1-bit distance code). */
const MOST_DEFLATE_RATIO = 1032;

/** One of the files of an image, inflated where it was gzipped. */
export interface NiftiFile {
  readonly source: ByteSource;
  /** Its first bytes: `NIFTI_PROBE_BYTES`, or all there are. */
  readonly head: Uint8Array;
  /** Bytes in it, or, where only inflating everything would tell, the most it could have. */
  readonly mostBytes: number | null;
}

interface Options {
  readonly signal?: AbortSignal | undefined;
}

/** What is read of a file that is gzipped by its name: the header and what follows it, in one request. */
const GZIP_HEAD = 16384;

/** Reads the beginning of a file, through gzip if it is gzipped, whatever its name. Closes it when that fails. */
async function openFile(request: BackendRequest, file: GzippedFile, options: Options): Promise<NiftiFile> {
  const { source, name = "" } = file;
  try {
    const first = /\.gz$/i.test(name) ? GZIP_HEAD : NIFTI_PROBE_BYTES;
    const head = await source.read(0, first, options);
    const size = await source.size(options);
    if (!isGzip(head)) return { source, head: head.subarray(0, NIFTI_PROBE_BYTES), mostBytes: size };
    // An application that opens no gzipped file never loads what inflates them.
    const { openGzip } = await import("./gzip.js");
    // A file that is gzipped in spite of its name is read again.
    const inflated = openGzip(request, file, first === GZIP_HEAD ? head : undefined);
    return {
      source: inflated,
      head: await inflated.read(0, NIFTI_PROBE_BYTES, options),
      mostBytes: inflated.index?.()?.size ?? (size === null ? null : size * MOST_DEFLATE_RATIO),
    };
  } catch (error) {
    await source.close?.();
    throw error;
  }
}

/** The header's file and the voxels' file: the same one for `.nii`, a pair for `.hdr` and `.img`. */
export interface NiftiFiles {
  readonly header: NiftiFile;
  /** The file of the voxels, opened once the header is known to be half of a pair. */
  openVoxels(): Promise<NiftiFile>;
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

async function openOther(request: BackendRequest, name: string, options: Options): Promise<NiftiFile> {
  const names = otherNames(name);
  const voxels = /\.hdr(\.gz)?$/i.test(name);
  for (const other of names) {
    const source = await openSibling(request, other, options);
    if (source !== null) return openFile(request, { source, name: other, voxels }, options);
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
  const opened: NiftiFile[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(opened.map(({ source }) => source.close?.()));
  };
  const keep = (file: NiftiFile): NiftiFile => {
    opened.push(file);
    return file;
  };
  try {
    const file = { source: openSource(request), name, voxels: half !== "hdr" };
    const named = keep(await openFile(request, file, options));
    const header = half === "img" ? keep(await openOther(request, name!, options)) : named;
    const openVoxels = async (): Promise<NiftiFile> =>
      half === "hdr" ? keep(await openOther(request, name!, options)) : named;
    return { header, openVoxels, close };
  } catch (error) {
    await close();
    throw error;
  }
}
