import { LazyImageError } from "@lazyimg/core";

/** How voxels are compressed. */
export type ZarrCodec = "blosc" | "zstd" | "gzip" | "none";

/** Options of `writeNiftiZarr`. */
export interface WriteZarrOptions {
  /** 3 with OME-Zarr 0.5 (default), or 2 with OME-Zarr 0.4. */
  readonly zarrFormat?: 2 | 3 | undefined;
  /** Voxels of a chunk along I, J, K, or one number for all (64). Times and channels have chunks of their own. */
  readonly chunk?: number | readonly [number, number, number] | undefined;
  /** Voxels of a shard along I, J, K: multiples of the chunk's. v3 only; no shards by default. */
  readonly shard?: number | readonly [number, number, number] | undefined;
  /** "blosc" (default) is LZ4 behind a byte shuffle. */
  readonly codec?: ZarrCodec | undefined;
  /** Effort of zstd (1 to 22, default 3) and gzip (1 to 9, default 5). */
  readonly compressionLevel?: number | undefined;
  /** Levels of the pyramid, the full resolution included; by default as many as it takes for one chunk to hold the last. */
  readonly levels?: number | undefined;
  /** How levels are made: "mean" for intensities (default), "mode" for labels. */
  readonly downsample?: "mean" | "mode" | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of voxels that are done, of all levels, before compression. What `resume` found done is in the first call's. */
  readonly onProgress?: ((done: { bytes: number; totalBytes: number }) => void) | undefined;
}

/** Options of writing to a directory, or into an object store. */
export interface WriteZarrDirectoryOptions extends WriteZarrOptions {
  /** For a URL: the caller's own `fetch`, which answers for credentials. */
  readonly fetch?: typeof fetch | undefined;
  /** For a URL: what its transport takes, such as `s3`, and `retries` and `timeout`. */
  readonly readerOptions?: Readonly<Record<string, unknown>> | undefined;
  /** Replace what is at the destination. Otherwise it is refused. */
  readonly force?: boolean | undefined;
  /** Continue what a killed call with the same options left behind; begins anew where there is nothing. */
  readonly resume?: boolean | undefined;
  /** Identifies the source (its path, size and date), so that nothing is resumed with another one. */
  readonly sourceId?: string | undefined;
}

/** Options, checked and complete. Sizes along I, J, K. */
export interface WritePlan {
  readonly zarrFormat: 2 | 3;
  readonly chunk: readonly [number, number, number];
  readonly shard: readonly [number, number, number] | undefined;
  readonly codec: ZarrCodec;
  readonly compressionLevel: number;
  readonly levels: number;
  readonly downsample: "mean" | "mode";
}

const invalid = (what: string): LazyImageError => new LazyImageError("ERR_INVALID_ARGUMENT", what);

function triple(value: number | readonly [number, number, number], name: string): [number, number, number] {
  const sizes = typeof value === "number" ? [value, value, value] : [...value];
  if (sizes.length !== 3 || !sizes.every((size) => Number.isSafeInteger(size) && size >= 1 && size <= 4096)) {
    throw invalid(`${name} is ${JSON.stringify(value)}; use one or three whole numbers from 1 to 4096`);
  }
  return sizes as [number, number, number];
}

/** What a writer chooses: enough levels for the coarsest to fit one chunk (NIfTI-Zarr, niizarr's default). */
function defaultLevels(spatial: readonly number[], chunk: readonly number[]): number {
  const most = Math.max(...spatial.map((size, axis) => size / chunk[axis]!));
  return Math.max(1, Math.ceil(Math.log2(most)) + 1);
}

/**
 * Checks the options against an image of `spatial` voxels.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT`
 */
export function planOf(options: WriteZarrOptions, spatial: readonly number[]): WritePlan {
  const { zarrFormat = 3, codec = "blosc", downsample = "mean" } = options;
  if (zarrFormat !== 2 && zarrFormat !== 3) throw invalid(`zarrFormat is ${String(zarrFormat)}; use 2 or 3`);
  if (!["blosc", "zstd", "gzip", "none"].includes(codec)) {
    throw invalid(`codec is ${String(codec)}; use blosc, zstd, gzip or none`);
  }
  if (downsample !== "mean" && downsample !== "mode")
    throw invalid(`downsample is ${String(downsample)}; use mean or mode`);
  const chunk = triple(options.chunk ?? 64, "chunk");
  const shard = options.shard === undefined ? undefined : triple(options.shard, "shard");
  if (shard !== undefined && zarrFormat === 2) throw invalid("Zarr v2 has no shards; use zarrFormat 3");
  if (shard?.some((size, axis) => size % chunk[axis]! !== 0))
    throw invalid(`shard ${shard} is no multiple of chunk ${chunk}`);
  const levels = options.levels ?? defaultLevels(spatial, chunk);
  if (!Number.isSafeInteger(levels) || levels < 1 || levels > 32)
    throw invalid(`levels is ${levels}; use 1 to 32`);
  if (options.compressionLevel !== undefined && codec !== "zstd" && codec !== "gzip")
    throw invalid(`codec ${codec} takes no compressionLevel; zstd and gzip do`);
  const [least, most, usual] = codec === "gzip" ? [1, 9, 5] : [1, 22, 3];
  const { compressionLevel = usual } = options;
  if (!(Number.isInteger(compressionLevel) && compressionLevel >= least && compressionLevel <= most)) {
    throw invalid(`compressionLevel is ${compressionLevel}; ${codec} takes ${least} to ${most}`);
  }
  return { zarrFormat, chunk, shard, codec, compressionLevel, levels, downsample };
}
