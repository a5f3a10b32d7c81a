import { type ImageDataBackend, LazyImageError, type Range4D, Tensor } from "@lazyimg/core";
import type { NiftiHeader } from "@lazyimg/nifti-header";
import { ArrayReader } from "../read/array-reader.js";
import type { Axes } from "../read/axes.js";
import { ChunkCache } from "../read/cache.js";
import { downsample } from "./downsample.js";
import { chunkEncoder } from "./encode.js";
import { headerFor } from "./header.js";
import { type ArrayAxes, type ArrayLayout, axesFor, type LevelLayout, levelsOf, specOf } from "./layout.js";
import { planOf, type WritePlan, type WriteZarrOptions } from "./options.js";
import type { Piece } from "./pieces.js";
import type { Sink } from "./sink.js";
import { writeChunks } from "./write-chunks.js";

type Span = Range4D[number];

/** What is about to be written. */
export interface Prepared {
  readonly plan: WritePlan;
  readonly header: NiftiHeader;
  readonly headerBytes: Uint8Array;
  readonly axes: ArrayAxes;
  readonly levels: readonly LevelLayout[];
  readonly layouts: readonly ArrayLayout[];
  readonly frames: number;
}

/**
 * Checks image and options, and makes the header.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT`, and what `encodeNiftiHeader` throws
 */
export async function prepare(image: ImageDataBackend, options: WriteZarrOptions): Promise<Prepared> {
  const spatial = image.shape.slice(1);
  if (image.shape.some((size) => size < 1)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `An image of shape (${image.shape}) has no voxels to write`,
    );
  }
  const plan = planOf(options, spatial);
  const { bytes, header } = await headerFor(image, options.signal);
  const axes = axesFor(header);
  const levels = levelsOf(spatial, plan.levels);
  const layouts = levels.map(({ size }): ArrayLayout => ({ plan, axes, header, size }));
  return { plan, header, headerBytes: bytes, axes, levels, layouts, frames: image.shape[0] / header.samples };
}

/** Which array axis is which, for reading a level back. */
function readAxes({ names }: ArrayAxes): Axes {
  const at = (name: "t" | "c" | "z" | "y" | "x"): number | undefined => {
    const found = names.indexOf(name);
    return found < 0 ? undefined : found;
  };
  return { i: at("x"), j: at("y"), k: at("z"), t: at("t"), c: at("c") };
}

/**
 * What writes a piece into a sink. Pieces of level 0 are read from the image, the others from what was written of the
 * level before.
 */
export async function pieceWriter(
  image: ImageDataBackend,
  prepared: Prepared,
  sink: Sink,
): Promise<(piece: Piece, signal: AbortSignal | undefined) => Promise<void>> {
  const { plan, header, axes, layouts } = prepared;
  const specs = layouts.map((layout, level) => specOf(layout, `${level}/`));
  const levels = specs.map((spec) => new ArrayReader(sink.store, spec, readAxes(axes), new ChunkCache(0)));
  const encode = await chunkEncoder(plan, header.bitpix / 8);
  return async ({ name, level, frame, start, stop }, signal) => {
    signal?.throwIfAborted();
    const box = { channel: frame * header.samples, start, stop };
    const slab =
      level === 0
        ? await stored(image, header.samples, box, signal)
        : await coarser(levels[level - 1]!, prepared, level, box, signal);
    const [spec, layout, leading] = [specs[level]!, layouts[level]!, leadingOf(axes, frame)];
    await writeChunks({ spec, layout, leading, start, slab, encode, sink, signal });
    sink.done(name);
  };
}

/** Position of a frame along the axes before z, y, x: time runs first. */
function leadingOf({ leading }: ArrayAxes, frame: number): number[] {
  const [times = 1] = leading;
  return leading.length === 0
    ? []
    : leading.length === 1
      ? [frame]
      : [frame % times, Math.floor(frame / times)];
}

/** Where a piece is in an image: its first channel, and its voxels. */
interface Box extends Pick<Piece, "start" | "stop"> {
  readonly channel: number;
}

/** Voxels of a piece as the image has them. */
async function stored(
  image: ImageDataBackend,
  samples: number,
  { channel, start, stop }: Box,
  signal: AbortSignal | undefined,
): Promise<Tensor> {
  const channels = { start: channel, stop: channel + samples, step: null };
  const box = start.map((from, axis) => ({ start: from, stop: stop[axis]!, step: null }));
  const { dtype } = image;
  return new Tensor(await image.read([channels, ...box], { scaled: false, dtype, signal }));
}

/** Voxels of a piece of a coarser level, made from the finer one. */
async function coarser(
  finer: ArrayReader,
  { header, plan, levels }: Prepared,
  level: number,
  { channel, start, stop }: Box,
  signal: AbortSignal | undefined,
): Promise<Tensor> {
  const [here, before] = [levels[level]!, levels[level - 1]!];
  const factor = here.factor.map((value, axis) => value / before.factor[axis]!) as [number, number, number];
  const [i, j, k] = start.map((from, axis) => {
    const first = from * factor[axis]!;
    return { start: first, step: 1, size: Math.min(stop[axis]! * factor[axis]!, before.size[axis]!) - first };
  }) as [Span, Span, Span];
  const range = [{ start: channel, step: 1, size: header.samples }, i, j, k] as const;
  return downsample(await finer.readRegion(range, { signal }), factor, plan.downsample);
}
