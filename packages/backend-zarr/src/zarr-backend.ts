import {
  type Affine,
  type AffineSource,
  DTYPES,
  defineBackend,
  IDENTITY,
  type ImageDataBackend,
  LazyImageError,
  type LevelInfo,
  sizeOf,
  spacingOf,
} from "@lazyimg/core";
import type { ArraySpec } from "./meta/array-spec.js";
import { levelAffine, omeAffine } from "./meta/level-affine.js";
import { checkHeader, checkNiftiArray, parseNiftiArray, type ZarrNiftiHeader } from "./meta/nifti-array.js";
import { type Hierarchy, MOST_METADATA, openHierarchy } from "./meta/node.js";
import { type AxisMatrix, axesByRank, type Multiscales, parseMultiscales } from "./meta/ome.js";
import { ArrayReader } from "./read/array-reader.js";
import type { Axes } from "./read/axes.js";
import { ChunkCache } from "./read/cache.js";
import { checkCodecs } from "./read/fallback.js";
import { askAhead } from "./store/ask-ahead.js";
import { isSafePath, type Store } from "./store/store.js";

/** What `readerOptions` may hold for Zarr. */
export interface ZarrReaderOptions {
  /** Level of the pyramid, 0 being the finest (default). */
  readonly level?: number | undefined;
  /** Path of an array or group below the root, for stores with more than one image. */
  readonly path?: string | undefined;
  /** Most bytes of chunks to keep between reads (64 MiB). */
  readonly cacheBytes?: number | undefined;
}

const CACHE_BYTES = 64 << 20;

/** What opening NIfTI-Zarr of v3 reads besides the root's metadata. */
const USUAL = ["0/zarr.json", "nifti/zarr.json", "nifti/c/0"];

/** One level, checked. */
interface Level {
  readonly spec: ArraySpec;
  readonly matrix: AxisMatrix | undefined;
}

const sizeAlong = (spec: ArraySpec, axis: number | undefined): number =>
  axis === undefined ? 1 : spec.shape[axis]!;

function sizesOf(spec: ArraySpec, { i, j, k, t, c }: Axes) {
  const size = (axis: number | undefined) => sizeAlong(spec, axis);
  return { i: size(i), j: size(j), k: size(k), t: size(t), c: size(c) };
}

/** Every level has the axes, type, times and channels of the finest, and no more voxels than the one before. */
function checkLevels(levels: readonly Level[], axes: Axes, rank: number, name: string): void {
  const first = levels[0]!.spec;
  for (const [n, { spec }] of levels.entries()) {
    const fail = (what: string): LazyImageError =>
      new LazyImageError("ERR_CORRUPT", `Level ${n} (${spec.prefix}) of ${name} ${what}`);
    if (spec.shape.length !== rank)
      throw fail(`has ${spec.shape.length} axes, where the metadata name ${rank}`);
    if (spec.type.name !== first.type.name) throw fail(`is ${spec.type.name}, the finest ${first.type.name}`);
    const [own, finest] = [sizesOf(spec, axes), sizesOf(first, axes)];
    if (own.t !== finest.t || own.c !== finest.c) throw fail("has other times or channels than the finest");
    const before = n === 0 ? own : sizesOf(levels[n - 1]!.spec, axes);
    if (own.i > before.i || own.j > before.j || own.k > before.k) throw fail("is larger than the one before");
    checkCodecs(spec);
    if (spec.type.opaque) {
      throw new LazyImageError(
        "ERR_UNSUPPORTED_DTYPE",
        `${name} holds ${spec.type.name}, which are no voxels`,
      );
    }
  }
}

async function findLevels(
  hierarchy: Hierarchy,
  multiscales: Multiscales | undefined,
  headerSpec: Promise<ArraySpec | undefined>,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Level[]> {
  if (hierarchy.array !== undefined) return [{ spec: hierarchy.array, matrix: undefined }];
  const isNifti = async () => (await headerSpec) !== undefined;
  const wanted = multiscales?.levels ?? ((await isNifti()) ? [{ path: "0", matrix: undefined }] : []);
  if (wanted.length === 0) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `${name} is a Zarr group without OME metadata or a NIfTI header; give the path of an array in it as readerOptions.path`,
    );
  }
  return Promise.all(
    wanted.map(async ({ path, matrix }) => {
      const spec = await hierarchy.arrayAt(path, { signal });
      if (spec !== undefined) return { spec, matrix };
      throw new LazyImageError(
        "ERR_NOT_FOUND",
        `${name} names a level ${path}, which is not there or no array`,
      );
    }),
  );
}

/** The store below one of its paths. */
function below(store: Store, path: string): Store {
  const prefix = `${path}/`;
  return {
    ...store,
    name: `${store.name}/${path}`,
    get: (key, options) => store.get(prefix + key, options),
    getRange: (key, range, options) => store.getRange(prefix + key, range, options),
    ...(store.sync && {
      sync: {
        get: (key) => store.sync!.get(prefix + key),
        fileOf: (key) => store.sync!.fileOf(prefix + key),
      },
    }),
  };
}

function checkedOptions(options: ZarrReaderOptions): { level: number; cacheBytes: number } {
  const { level = 0, path, cacheBytes = CACHE_BYTES } = options;
  const fail = (what: string): LazyImageError => new LazyImageError("ERR_INVALID_ARGUMENT", what);
  if (!Number.isSafeInteger(level) || level < 0)
    throw fail(`readerOptions.level is ${String(level)}; it is 0 or more`);
  if (path !== undefined && !isSafePath(path))
    throw fail(`readerOptions.path is ${path}; it stays inside the store`);
  if (!(cacheBytes >= 0)) throw fail(`readerOptions.cacheBytes is ${String(cacheBytes)}; it is 0 or more`);
  return { level, cacheBytes };
}

/**
 * An image from a Zarr store: its metadata are read and checked, no voxels.
 *
 * The `nifti` header counts before OME metadata (affine, scaling); without either, voxels are 1 mm.
 *
 * @param store closed with the image
 * @throws LazyImageError `ERR_NOT_FOUND`, `ERR_CORRUPT`, `ERR_UNSUPPORTED`, `ERR_UNSUPPORTED_DTYPE`, `ERR_LIMIT`,
 * `ERR_HEADER`, `ERR_INVALID_ARGUMENT`
 */
export async function zarrBackend(
  whole: Store,
  options: ZarrReaderOptions = {},
  signal?: AbortSignal,
): Promise<ImageDataBackend> {
  const { level, cacheBytes } = checkedOptions(options);
  const store = options.path === undefined ? whole : below(whole, options.path);
  const ahead = askAhead(store, USUAL, { signal, most: MOST_METADATA });
  try {
    return await open(store, ahead.store, level, cacheBytes, signal);
  } finally {
    ahead.end();
  }
}

/**
 * @param store what the image reads from
 * @param asking the same, to be asked for metadata
 */
async function open(
  store: Store,
  asking: Store,
  level: number,
  cacheBytes: number,
  signal: AbortSignal | undefined,
): Promise<ImageDataBackend> {
  const { name } = store;
  const hierarchy = await openHierarchy(asking, { signal });
  const key = hierarchy.version === 3 ? "zarr.json" : ".zattrs";
  const multiscales = hierarchy.array ? undefined : parseMultiscales(hierarchy.attributes, key);

  // All at once: where a store is far away, it is the round trips that take time.
  const headerSpec = hierarchy.array ? Promise.resolve(undefined) : hierarchy.arrayAt("nifti", { signal });
  const [levels, header] = await Promise.all([
    findLevels(hierarchy, multiscales, headerSpec, name, signal),
    readHeader(asking, headerSpec, name, signal),
  ]);
  const finest = levels[0]!.spec;
  const axes =
    multiscales?.axes ?? axesByRank(finest.shape.length, finest.dimensionNames, finest.prefix || name);
  checkLevels(levels, axes, multiscales?.rank ?? finest.shape.length, name);
  if (header !== undefined) checkHeader(header, finest, sizesOf(finest, axes));
  if (level >= levels.length) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `${name} has levels 0 to ${levels.length - 1}; level ${level} was asked for`,
    );
  }

  const affines = affinesOf(levels, multiscales, header, name);
  const cache = new ChunkCache(cacheBytes);
  const readers = levels.map(({ spec }) => new ArrayReader(store, spec, axes, cache));
  const infos = readers.map(({ shape }, n): LevelInfo => {
    const affine = affines[n]!;
    return {
      shape,
      affine,
      spacing: spacingOf(affine),
      bytes: sizeOf(shape) * DTYPES[finest.type.dtype].itemSize,
    };
  });
  const reader = readers[level]!;
  return defineBackend({
    shape: reader.shape,
    affine: affines[level]!,
    affineSource: sourceOf(header, multiscales),
    dtype: finest.type.dtype,
    scaling: header?.scaling,
    header: header ?? hierarchy.attributes,
    levels: infos,
    strided: true,
    readRegion: (range, context) => reader.readRegion(range, context),
    plan: (range) => reader.plan(range),
    async close() {
      reader.close();
      cache.clear();
      await store.close?.();
    },
  });
}

async function readHeader(
  store: Store,
  found: Promise<ArraySpec | undefined>,
  name: string,
  signal: AbortSignal | undefined,
): Promise<ZarrNiftiHeader | undefined> {
  const spec = await found;
  if (spec === undefined) return undefined;
  checkNiftiArray(spec);
  const axis = spec.shape.length === 0 ? undefined : 0;
  const axes: Axes = { i: axis, j: undefined, k: undefined, t: undefined, c: undefined };
  const bytes = await new ArrayReader(store, spec, axes, new ChunkCache(0)).readBytes(signal);
  return parseNiftiArray(bytes, name);
}

function affinesOf(
  levels: readonly Level[],
  multiscales: Multiscales | undefined,
  header: ZarrNiftiHeader | undefined,
  name: string,
): Affine[] {
  const physical = levels.map(({ matrix }) =>
    matrix && multiscales ? omeAffine(matrix, multiscales) : undefined,
  );
  const [base] = physical;
  const finest = header?.affine ?? base ?? IDENTITY;
  return physical.map((own, n) => {
    if (n === 0) return finest;
    if (own === undefined || base === undefined) {
      throw new LazyImageError("ERR_CORRUPT", `Level ${n} of ${name} has no coordinateTransformations`);
    }
    return header === undefined ? own : levelAffine(finest, base, own);
  });
}

function sourceOf(header: ZarrNiftiHeader | undefined, multiscales: Multiscales | undefined): AffineSource {
  if (header !== undefined) return header.affineSource;
  return multiscales?.levels[0]?.matrix === undefined ? "base" : "ome";
}
