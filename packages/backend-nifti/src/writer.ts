import { remoteWriter } from "@lazyimg/byte-source/remote";
import {
  bytesOf,
  DTYPES,
  type ImageDataBackend,
  type Index,
  LazyImageError,
  type ReadOptions,
  type Shape4D,
  scaledDType,
  sizeOf,
} from "@lazyimg/core";
import {
  encodeNiftiHeader,
  gridOf,
  isUnchanged,
  type NiftiHeader,
  type NiftiHeaderInit,
} from "@lazyimg/nifti-header";
import { needsSwap, swapBytes } from "@lazyimg/raw-array";
import { createFile } from "#file-sink";
import type { NiftiImageHeader } from "./backend.js";
import { isNiftiDestination } from "./match.js";
import type { WriteNiftiOptions } from "./write.js";

/** Voxels read and written at once, in bytes: bounds the memory that writing takes. */
const SLAB = 32 * 2 ** 20;
/** More than headers and their extensions take. */
const HEADERS = 2 ** 27;

/** What `writeNifti` does. */
export async function write(
  image: ImageDataBackend,
  destination: string | WritableStream<Uint8Array>,
  options: WriteNiftiOptions,
): Promise<void> {
  const { signal } = options;
  signal?.throwIfAborted();
  const gzip = typeof destination === "string" ? isGzipName(destination) : options.gzip === true;
  const stored = niftiPieces(image, options);
  const pieces = gzip ? compressed(stored) : stored;
  if (typeof destination === "string") {
    const { ifAbsent } = options;
    const remote = await remoteWriter(destination, options);
    if (remote !== null)
      return remote.upload("", pieces, { signal, ifAbsent, mostBytes: mostBytesOf(image, options) });
  }
  const sink = typeof destination === "string" ? await createFile(destination) : destination;
  const writer = sink.getWriter();
  try {
    for await (const piece of pieces) {
      signal?.throwIfAborted();
      await writer.write(piece);
    }
    await writer.close();
  } catch (error) {
    // What was written so far is dropped; the first error is the one to tell.
    await writer.abort(error).catch(() => {});
    throw error;
  }
}

/** What the file has at most; gzip adds little where it saves nothing. */
function mostBytesOf(
  { shape, dtype, valueDtype = dtype }: ImageDataBackend,
  options: WriteNiftiOptions,
): number {
  const types = [dtype, valueDtype, options.dtype ?? dtype];
  const itemSize = Math.max(...types.map((type) => DTYPES[type].itemSize));
  return Math.ceil(1.01 * sizeOf(shape) * itemSize) + HEADERS;
}

function isGzipName(destination: string): boolean {
  if (!isNiftiDestination(destination)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `NIfTI is written to .nii or .nii.gz files, not to ${destination}.`,
    );
  }
  return /\.gz$/i.test(destination);
}

function isNiftiHeader(header: unknown): header is NiftiImageHeader {
  return typeof header === "object" && header !== null && "sformCode" in header && "sclSlope" in header;
}

/** Whether the image's values are still those that the header's scaling makes of the stored ones, not converted since. */
function isScaledAs(header: NiftiHeader, { dtype, valueDtype = dtype }: ImageDataBackend): boolean {
  return header.scaling !== undefined && dtype === header.dtype && valueDtype === scaledDType(dtype);
}

/** How voxels will be stored, and how to read them so. */
interface Storage {
  readonly init: NiftiHeaderInit;
  readonly read: ReadOptions;
}

async function storageOf(image: ImageDataBackend, options: WriteNiftiOptions): Promise<Storage> {
  const { shape, affine } = image;
  const { dtype, scaling = "keep" } = options;
  const carried = isNiftiHeader(image.header) ? image.header : undefined;
  const version = options.version ?? carried?.version;
  const asIs =
    carried !== undefined &&
    scaling === "keep" &&
    dtype === undefined &&
    version === carried.version &&
    isUnchanged(carried, image);
  const keep =
    scaling === "keep" && dtype === undefined && carried !== undefined && isScaledAs(carried, image);
  const stored = dtype ?? (keep ? image.dtype : (image.valueDtype ?? image.dtype));
  const samples =
    carried !== undefined && stored === "uint8" && carried.samples === shape[0] ? carried.samples : 1;
  return {
    init: {
      ...carried,
      shape,
      affine,
      dtype: stored,
      samples,
      vector: carried?.shape.length === 5,
      // A NIfTI-2 source has float64 numbers that NIfTI-1 would round.
      version: options.version ?? (carried?.version === 2 ? 2 : undefined),
      singleFile: true,
      scaling: keep ? carried.scaling : undefined,
      ...(carried && gridOf(carried, image)),
      ...(asIs && { unchanged: carried }),
      extensions: carried?.readExtensions ? await carried.readExtensions({ signal: options.signal }) : [],
    },
    read: keep ? { scaled: false } : { dtype: stored },
  };
}

/** The file's bytes in order. */
async function* niftiPieces(image: ImageDataBackend, options: WriteNiftiOptions): AsyncGenerator<Uint8Array> {
  const { signal, onProgress } = options;
  const { init, read } = await storageOf(image, options);
  yield encodeNiftiHeader(init);
  const { littleEndian = true, dtype, shape } = init;
  const totalBytes = shape.reduce((product, size) => product * size, DTYPES[dtype].itemSize);
  let bytes = 0;
  for (const index of slabs(shape, DTYPES[dtype].itemSize, init.samples !== 1)) {
    let slab = (await image.read(index, { ...read, signal })).contiguous("F");
    if (needsSwap(littleEndian, slab.data)) {
      slab = slab.copy("F");
      swapBytes(slab.data);
    }
    const piece = bytesOf(slab.data);
    yield piece;
    bytes += piece.length;
    onProgress?.({ bytes, totalBytes });
  }
}

/** The image cut across K, in the order in which NIfTI stores it: channels slowest, or fastest where they are colours. */
function* slabs([c, i, j, k]: Shape4D, itemSize: number, interleaved: boolean): Generator<Index> {
  const plane = i * j * itemSize * (interleaved ? c : 1);
  const planes = Math.max(1, Math.floor(SLAB / plane));
  for (let channel = 0; channel < (interleaved ? 1 : c); channel++) {
    for (let start = 0; start < k; start += planes) {
      yield [interleaved ? null : channel, null, null, { start, stop: start + planes, step: null }];
    }
  }
}

/** The bytes gzipped, by the platform. */
async function* compressed(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gzip = new CompressionStream("gzip");
  const writer = gzip.writable.getWriter();
  const feeding = (async () => {
    for await (const piece of pieces) await writer.write(piece as Uint8Array<ArrayBuffer>);
    await writer.close();
  })().catch(async (error: unknown) => {
    await writer.abort(error).catch(() => {});
    throw error;
  });
  // Whoever reads the other end is told of the failure; it is not unhandled here.
  feeding.catch(() => {});
  const reader = gzip.readable.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield value;
    }
    await feeding;
  } finally {
    await reader.cancel().catch(() => {});
  }
}
