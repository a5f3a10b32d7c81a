import { type ImageDataBackend, LazyImageError, Tensor } from "@lazyimg/core";
import type { NiftiHeader } from "@lazyimg/nifti-header";
import { ArrayReader } from "../read/array-reader.js";
import type { Axes } from "../read/axes.js";
import { ChunkCache } from "../read/cache.js";
import { downsample } from "./downsample.js";
import { chunkEncoder } from "./encode.js";
import { headerFor } from "./header.js";
import {
  type ArrayAxes,
  type ArrayLayout,
  arrayAttributes,
  axesFor,
  type LevelLayout,
  levelsOf,
  multiscalesOf,
  specOf,
  v2Metadata,
  v3Metadata,
} from "./layout.js";
import { planOf, type WritePlan, type WriteZarrOptions } from "./options.js";
import type { Sink } from "./sink.js";
import { writeFrame } from "./write-level.js";

const encodeJson = (value: unknown): Uint8Array =>
  new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);

/** What is about to be written. */
export interface Prepared {
  readonly plan: WritePlan;
  readonly header: NiftiHeader;
  readonly headerBytes: Uint8Array;
  readonly axes: ArrayAxes;
  readonly levels: readonly LevelLayout[];
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
  return { plan, header, headerBytes: bytes, axes: axesFor(header), levels: levelsOf(spatial, plan.levels) };
}

/** Which array axis is which, for reading a level back. */
function readAxes({ names }: ArrayAxes): Axes {
  const at = (name: "t" | "c" | "z" | "y" | "x"): number | undefined => {
    const found = names.indexOf(name);
    return found < 0 ? undefined : found;
  };
  return { i: at("x"), j: at("y"), k: at("z"), t: at("t"), c: at("c") };
}

/** Writes metadata first, then the levels, each made from the one before as it was written. */
export async function writeZarr(
  image: ImageDataBackend,
  prepared: Prepared,
  sink: Sink,
  { signal, onProgress }: WriteZarrOptions,
): Promise<void> {
  const { plan, header, axes, levels } = prepared;
  const layouts = levels.map(({ size }): ArrayLayout => ({ plan, axes, header, size }));
  const specs = layouts.map((layout, n) => specOf(layout, `${n}/`));
  await writeMetadata(prepared, layouts, sink);

  const encode = await chunkEncoder(plan, header.bitpix / 8);
  const { samples } = header;
  const frames = image.shape[0] / samples;
  const planeBytes = ({ size: [i, j] }: ArrayLayout): number => i * j * (header.bitpix / 8);
  const totalBytes = layouts.reduce((sum, layout) => sum + frames * layout.size[2] * planeBytes(layout), 0);
  let bytes = 0;
  for (const [n, layout] of layouts.entries()) {
    const finer =
      n === 0 ? undefined : new ArrayReader(sink.store, specs[n - 1]!, readAxes(axes), new ChunkCache(0));
    for (let frame = 0; frame < frames; frame++) {
      const channel = frame * samples;
      await writeFrame({
        spec: specs[n]!,
        layout,
        leading: leadingOf(axes, frame),
        planes:
          finer === undefined
            ? (start, stop) => readPlanes(image, channel, samples, start, stop, signal)
            : (start, stop) => coarser(finer, levels, n, channel, prepared, start, stop, signal),
        encode,
        sink,
        part: `${n}/${frame}`,
        signal,
        onPlanes(planes, resumed) {
          bytes += planes * planeBytes(layout);
          // What an earlier run did would say nothing about how fast this one is.
          if (!resumed || bytes === totalBytes) onProgress?.({ bytes, totalBytes });
        },
      });
    }
  }
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

/** Planes of the image as they are stored. */
async function readPlanes(
  image: ImageDataBackend,
  channel: number,
  samples: number,
  start: number,
  stop: number,
  signal: AbortSignal | undefined,
): Promise<Tensor> {
  const channels = { start: channel, stop: channel + samples, step: null };
  const index = [channels, null, null, { start, stop, step: null }];
  const { dtype } = image;
  const tensor = await image.read(index, { scaled: false, dtype, signal });
  return new Tensor(tensor);
}

/** Planes of a coarser level, made from the finer one. */
async function coarser(
  finer: ArrayReader,
  levels: readonly LevelLayout[],
  n: number,
  channel: number,
  { header, plan }: Prepared,
  start: number,
  stop: number,
  signal: AbortSignal | undefined,
): Promise<Tensor> {
  const factor = levels[n]!.factor.map((value, axis) => value / levels[n - 1]!.factor[axis]!);
  const [fi, fj, fk] = factor as [number, number, number];
  const [ni, nj, nk] = levels[n - 1]!.size;
  const first = start * fk;
  const whole = (size: number) => ({ start: 0, step: 1, size });
  const range = [
    { start: channel, step: 1, size: header.samples },
    whole(ni),
    whole(nj),
    { start: first, step: 1, size: Math.min(stop * fk, nk) - first },
  ] as const;
  return downsample(await finer.readRegion(range, { signal }), [fi, fj, fk], plan.downsample);
}

async function writeMetadata(prepared: Prepared, layouts: readonly ArrayLayout[], sink: Sink): Promise<void> {
  const { plan, header, headerBytes, axes, levels } = prepared;
  const multiscales = multiscalesOf(header, axes, levels, plan);
  const attributes = headerAttributes(header);
  const length = headerBytes.length;
  const put = (key: string, value: unknown) => sink.set(key, encodeJson(value));
  if (plan.zarrFormat === 2) {
    await put(".zgroup", { zarr_format: 2 });
    await put(".zattrs", { multiscales: [multiscales] });
    for (const [n, layout] of layouts.entries()) {
      await put(`${n}/.zarray`, v2Metadata(layout));
      await put(`${n}/.zattrs`, arrayAttributes(axes));
    }
    await put("nifti/.zarray", {
      zarr_format: 2,
      shape: [length],
      chunks: [length],
      dtype: "|u1",
      compressor: null,
      fill_value: null,
      order: "C",
      filters: null,
      dimension_separator: "/",
    });
    await put("nifti/.zattrs", attributes);
    await sink.set("nifti/0", headerBytes);
    return;
  }
  await put("zarr.json", {
    zarr_format: 3,
    node_type: "group",
    attributes: { ome: { version: "0.5", multiscales: [multiscales] } },
  });
  for (const [n, layout] of layouts.entries()) await put(`${n}/zarr.json`, v3Metadata(layout));
  await put("nifti/zarr.json", {
    zarr_format: 3,
    node_type: "array",
    shape: [length],
    data_type: "uint8",
    chunk_grid: { name: "regular", configuration: { chunk_shape: [length] } },
    chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
    fill_value: 0,
    codecs: [{ name: "bytes" }],
    attributes,
    storage_transformers: [],
  });
  await sink.set("nifti/c/0", headerBytes);
}

/** The fields that people look for, by JNIfTI's names. They inform; the binary header counts. */
function headerAttributes(header: NiftiHeader): Readonly<Record<string, unknown>> {
  const finite = (value: number) => (Number.isFinite(value) ? value : 0);
  return {
    NIIHeaderSize: header.headerBytes,
    NIIFormat: header.version === 1 ? "n+1" : "n+2",
    Dim: header.shape,
    DataType: header.samples === 3 ? "rgb24" : header.samples === 4 ? "rgba32" : header.dtype,
    BitDepth: header.bitpix,
    VoxelSize: header.pixdim.slice(1, header.shape.length + 1).map(finite),
    ScaleSlope: finite(header.sclSlope),
    ScaleOffset: finite(header.sclInter),
    Description: header.description,
    Intent: header.intentCode,
    Affine: [0, 4, 8].map((row) => header.affine.slice(row, row + 4)),
  };
}
