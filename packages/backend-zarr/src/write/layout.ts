import type { DType } from "@lazyimg/core";
import type { NiftiHeader, SpaceUnit, TimeUnit } from "@lazyimg/nifti-header";
import { type ArraySpec, parseV2Array, parseV3Array } from "../meta/array-spec.js";
import type { Json } from "../meta/json.js";
import type { WritePlan } from "./options.js";

/** The array axes of an image, in the order on disk: (t), (c), z, y, x. */
export interface ArrayAxes {
  readonly names: readonly ("t" | "c" | "z" | "y" | "x")[];
  /** Sizes of the axes before z, y, x. */
  readonly leading: readonly number[];
}

/** NIfTI's axes on disk: 4D is time, 5D time and channels (niizarr). */
export function axesFor({ shape }: NiftiHeader): ArrayAxes {
  const [, , , t = 1, c = 1] = shape;
  if (shape.length >= 5) return { names: ["t", "c", "z", "y", "x"], leading: [t, c] };
  if (shape.length === 4) return { names: ["t", "z", "y", "x"], leading: [t] };
  return { names: ["z", "y", "x"], leading: [] };
}

/** One level of the pyramid to be written. */
export interface LevelLayout {
  /** Voxels along I, J, K. */
  readonly size: readonly [number, number, number];
  /** Voxels of the finest level that one of these covers, along I, J, K. */
  readonly factor: readonly [number, number, number];
}

/** Sizes of all levels: each axis is halved, rounded up; an axis of one voxel stays. */
export function levelsOf(spatial: readonly number[], count: number): LevelLayout[] {
  const levels: LevelLayout[] = [];
  let size = [...spatial] as [number, number, number];
  let factor: [number, number, number] = [1, 1, 1];
  for (let n = 0; n < count; n++) {
    levels.push({ size, factor });
    factor = factor.map((value, axis) => (size[axis]! > 1 ? 2 * value : value)) as [number, number, number];
    size = size.map((value) => Math.ceil(value / 2)) as [number, number, number];
  }
  return levels;
}

const V2_TYPES: Readonly<Record<DType, string>> = {
  int8: "i1",
  uint8: "u1",
  int16: "i2",
  uint16: "u2",
  int32: "i4",
  uint32: "u4",
  int64: "i8",
  uint64: "u8",
  float32: "f4",
  float64: "f8",
  complex64: "c8",
  complex128: "c16",
};

const COLOURS = ["r", "g", "b", "a"];

/** `.zattrs` or `attributes` of every array, for xarray. */
export function arrayAttributes({ names }: ArrayAxes): Json {
  const spelled: Readonly<Record<string, string>> = { t: "time", c: "channel" };
  return { _ARRAY_DIMENSIONS: names.map((name) => spelled[name] ?? name) };
}

/** Everything that an array's metadata are made of. */
export interface ArrayLayout {
  readonly plan: WritePlan;
  readonly axes: ArrayAxes;
  readonly header: NiftiHeader;
  readonly size: readonly [number, number, number];
}

const itemSizeOf = ({ header }: ArrayLayout): number => header.bitpix / 8;

/** Sizes on disk: one time and channel, then K, J, I. */
const onDisk = ({ axes }: ArrayLayout, [i, j, k]: readonly [number, number, number]): number[] => [
  ...axes.leading.map(() => 1),
  k,
  j,
  i,
];

const shapeOnDisk = (layout: ArrayLayout): number[] => [
  ...layout.axes.leading,
  ...[...layout.size].reverse(),
];

/** A fill value in JSON: v3 wants complex numbers as pairs. */
function fillOf({ header }: ArrayLayout, isV3: boolean): unknown {
  if (header.samples > 1) return btoa("\0".repeat(header.samples));
  return isV3 && /^complex/.test(header.dtype) ? [0, 0] : header.dtype.startsWith("float") ? 0.0 : 0;
}

/** `.zarray` (Zarr v2). */
export function v2Metadata(layout: ArrayLayout): Json {
  const { plan, header } = layout;
  const { codec, compressionLevel } = plan;
  const itemSize = itemSizeOf(layout);
  const order = header.bitpix === 8 ? "|" : header.littleEndian ? "<" : ">";
  const compressors: Readonly<Record<typeof codec, Json | null>> = {
    blosc: { id: "blosc", cname: "lz4", clevel: 5, shuffle: itemSize > 1 ? 1 : 0, blocksize: 0 },
    zstd: { id: "zstd", level: compressionLevel },
    gzip: { id: "gzip", level: compressionLevel },
    none: null,
  };
  return {
    zarr_format: 2,
    shape: shapeOnDisk(layout),
    chunks: onDisk(layout, plan.chunk),
    dtype:
      header.samples > 1
        ? COLOURS.slice(0, header.samples).map((name) => [name, "|u1"])
        : order + V2_TYPES[header.dtype],
    compressor: compressors[codec],
    fill_value: /^complex/.test(header.dtype) ? [0, 0] : fillOf(layout, false),
    order: "C",
    filters: null,
    dimension_separator: "/",
  };
}

function v3Codecs(layout: ArrayLayout): Json[] {
  const { plan, header } = layout;
  const { codec, compressionLevel } = plan;
  const itemSize = itemSizeOf(layout);
  const single = header.bitpix === 8 || header.samples > 1;
  const bytes: Json = single
    ? { name: "bytes" }
    : { name: "bytes", configuration: { endian: header.littleEndian ? "little" : "big" } };
  const compressors: Readonly<Record<typeof codec, Json[]>> = {
    blosc: [
      {
        name: "blosc",
        configuration: {
          typesize: itemSize,
          cname: "lz4",
          clevel: 5,
          shuffle: itemSize > 1 ? "shuffle" : "noshuffle",
          blocksize: 0,
        },
      },
    ],
    zstd: [{ name: "zstd", configuration: { level: compressionLevel, checksum: false } }],
    gzip: [{ name: "gzip", configuration: { level: compressionLevel } }],
    none: [],
  };
  return [bytes, ...compressors[codec]];
}

/** `zarr.json` of an array (Zarr v3). */
export function v3Metadata(layout: ArrayLayout): Json {
  const { plan, header, axes } = layout;
  const chunk = onDisk(layout, plan.chunk);
  const codecs = v3Codecs(layout);
  const sharding: Json = {
    name: "sharding_indexed",
    configuration: {
      chunk_shape: chunk,
      codecs,
      index_codecs: [{ name: "bytes", configuration: { endian: "little" } }, { name: "crc32c" }],
      index_location: "end",
    },
  };
  return {
    zarr_format: 3,
    node_type: "array",
    shape: shapeOnDisk(layout),
    data_type:
      header.samples > 1
        ? {
            name: "structured",
            configuration: { fields: COLOURS.slice(0, header.samples).map((name) => [name, "uint8"]) },
          }
        : header.dtype,
    chunk_grid: {
      name: "regular",
      configuration: { chunk_shape: plan.shard === undefined ? chunk : onDisk(layout, plan.shard) },
    },
    chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
    fill_value: fillOf(layout, true),
    codecs: plan.shard === undefined ? codecs : [sharding],
    attributes: arrayAttributes(axes),
    dimension_names: axes.names,
    storage_transformers: [],
  };
}

/** What is read back from the metadata: writing and reading agree on keys and chunks by construction. */
export function specOf(layout: ArrayLayout, prefix: string): ArraySpec {
  return layout.plan.zarrFormat === 2
    ? parseV2Array(v2Metadata(layout), arrayAttributes(layout.axes), prefix)
    : parseV3Array(v3Metadata(layout), prefix);
}

const SPACE: Readonly<Record<SpaceUnit, string>> = {
  unknown: "millimeter",
  mm: "millimeter",
  meter: "meter",
  micron: "micrometer",
};
const TIME: Readonly<Record<TimeUnit, string | undefined>> = {
  unknown: "second",
  sec: "second",
  msec: "millisecond",
  usec: "microsecond",
  hz: undefined,
  ppm: undefined,
  rads: undefined,
};

/**
 * The "multiscales" image: level n has voxels of 2^n along every axis that was halved n times, and its first voxel lies
 * (2^n - 1) / 2 voxels further in (NIfTI-Zarr). The repetition time is everybody's.
 */
export function multiscalesOf(
  header: NiftiHeader,
  { names }: ArrayAxes,
  levels: readonly LevelLayout[],
  { zarrFormat, downsample }: WritePlan,
): Json {
  const leading = names.slice(0, -3);
  const voxel = [1, 2, 3].map((n) => header.pixdim[n]!);
  const spatial = (values: readonly number[]) => [...leading.map(() => 0), ...[...values].reverse()];
  const kinds = { t: "time", c: "channel", z: "space", y: "space", x: "space" } as const;
  return {
    ...(zarrFormat === 2 && { version: "0.4" }),
    name: "",
    type: downsample === "mean" ? "local mean" : "local mode",
    axes: names.map((name) => {
      const unit =
        name === "t" ? TIME[header.units.time] : name === "c" ? undefined : SPACE[header.units.space];
      return { name, type: kinds[name], ...(unit !== undefined && { unit }) };
    }),
    datasets: levels.map(({ factor }, n) => ({
      path: String(n),
      coordinateTransformations: [
        {
          type: "scale",
          scale: spatial(factor.map((f, axis) => f * voxel[axis]!)).map((v, at) =>
            at < leading.length ? 1 : v,
          ),
        },
        { type: "translation", translation: spatial(factor.map((f, axis) => ((f - 1) / 2) * voxel[axis]!)) },
      ],
    })),
    coordinateTransformations: [
      { type: "scale", scale: names.map((name) => (name === "t" ? header.repetitionTime || 1 : 1)) },
    ],
  };
}
