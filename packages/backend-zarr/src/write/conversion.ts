import { type ImageDataBackend, isZarrStore, LazyImageError } from "@lazyimg/core";
import { storeOf } from "../store/store.js";
import { writeMetadata } from "./metadata.js";
import type { WriteZarrDirectoryOptions } from "./options.js";
import { beginOutput, joinOutput } from "./outputs.js";
import { type Piece, piecesOf } from "./pieces.js";
import { type MutableZarrStore, type OutputSink, sinkOf } from "./sink.js";
import { type Prepared, pieceWriter, prepare } from "./write-zarr.js";

export type { Piece } from "./pieces.js";

/** A conversion to NIfTI-Zarr, in pieces. */
export interface ZarrPieces {
  /**
   * What is converted and how, in one line: two processes with the same fingerprint have the same pieces, and write the
   * same bytes.
   */
  readonly fingerprint: string;
  /** In an order in which one process may write them; those of a level when all of the level before are written. */
  readonly pieces: readonly Piece[];
  /** Reads the voxels of a piece and writes its chunks. A piece may be written again: its chunks will be the same. */
  write(piece: Piece, options?: { signal?: AbortSignal | undefined }): Promise<void>;
}

/** The conversion of the one process that begins and ends it. */
export interface ZarrConversion extends ZarrPieces {
  /** Whether it goes on with what an earlier run left. */
  readonly resumed: boolean;
  /** Whether an earlier run, or a process that wrote along, had written a piece when this one began. */
  isDone(piece: Piece): boolean;
  /** Writes the metadata and puts everything in its place, when all pieces are written. */
  publish(): Promise<void>;
  /** Leaves what was written for another run to go on with. */
  keep(): void | Promise<void>;
  /** Removes what was written. */
  drop(): Promise<void>;
}

/** The conversion of a process that writes pieces of what another one began. */
export interface JoinedConversion extends ZarrPieces {
  close(): void | Promise<void>;
}

function fingerprintOf(
  image: ImageDataBackend,
  { plan, headerBytes }: Prepared,
  sourceId: string | undefined,
): string {
  const header = Array.from(headerBytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return JSON.stringify({
    shape: image.shape,
    dtype: image.dtype,
    plan,
    header,
    sourceId: sourceId ?? "",
  });
}

function storeSink(target: MutableZarrStore): OutputSink {
  if (!(isZarrStore(target) && typeof target.set === "function")) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      "writeNiftiZarr writes to a path, or a store with get and set",
    );
  }
  return {
    ...sinkOf(target, storeOf(target)),
    resumed: false,
    async finish() {},
    keep() {},
    async drop() {},
  };
}

async function piecesFor(image: ImageDataBackend, options: WriteZarrDirectoryOptions) {
  options.signal?.throwIfAborted();
  const prepared = await prepare(image, options);
  const fingerprint = fingerprintOf(image, prepared, options.sourceId);
  return { prepared, fingerprint, pieces: [...piecesOf(prepared)] };
}

/**
 * Begins a conversion to NIfTI-Zarr, or goes on with one (`resume`). Whoever begins it ends it, by `publish`, `keep` or
 * `drop`; any process may write pieces, if only by `joinNiftiZarr`.
 *
 * @throws LazyImageError as `writeNiftiZarr`
 */
export async function beginNiftiZarr(
  image: ImageDataBackend,
  target: string | MutableZarrStore,
  options: WriteZarrDirectoryOptions = {},
): Promise<ZarrConversion> {
  const { prepared, fingerprint, pieces } = await piecesFor(image, options);
  const sink =
    typeof target === "string" ? await beginOutput(target, fingerprint, options) : storeSink(target);
  const write = await pieceWriter(image, prepared, sink).catch(async (error: unknown) => {
    await sink.drop();
    throw error;
  });
  return {
    fingerprint,
    pieces,
    resumed: sink.resumed,
    isDone: ({ name }) => sink.isDone(name),
    write: (piece, { signal } = {}) => write(piece, signal),
    async publish() {
      await writeMetadata(prepared, sink);
      await sink.finish();
    },
    keep: () => sink.keep(),
    drop: () => sink.drop(),
  };
}

/**
 * Joins a conversion that another process has begun, on this machine or another, with the same image and options.
 *
 * @throws LazyImageError `ERR_NOT_FOUND` where there is none with the same fingerprint, `ERR_INVALID_ARGUMENT`, `ERR_IO`
 */
export async function joinNiftiZarr(
  image: ImageDataBackend,
  target: string,
  options: WriteZarrDirectoryOptions = {},
): Promise<JoinedConversion> {
  const { prepared, fingerprint, pieces } = await piecesFor(image, options);
  const sink = await joinOutput(target, fingerprint, options);
  const write = await pieceWriter(image, prepared, sink);
  return {
    fingerprint,
    pieces,
    write: (piece, { signal } = {}) => write(piece, signal),
    close: () => sink.close(),
  };
}
