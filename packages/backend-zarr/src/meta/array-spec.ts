import { LazyImageError } from "@lazyimg/core";
import { badMetadata, isObject, type Json, show, sizesOf } from "./json.js";
import { fillBytes, parseV2Type, parseV3Type, type StoredType } from "./stored-type.js";

/** A codec from bytes to bytes that is decoded here; anything else goes through zarrita. */
export interface BytesCodec {
  readonly name: "blosc" | "gzip" | "zlib" | "zstd" | "crc32c";
  /** The compressor that metadata say is inside blosc. */
  readonly inner?: string | undefined;
}

/** Chunks inside larger objects (Zarr v3, sharding_indexed 1.0). */
export interface Sharding {
  /** Elements of a shard along each axis: multiples of the chunk's. */
  readonly shape: readonly number[];
  readonly indexAtEnd: boolean;
  /** Whether the index is followed by its CRC-32C. */
  readonly indexChecked: boolean;
}

/** One array's metadata, checked; v2 and v3 alike. */
export interface ArraySpec {
  /** Key prefix of the array: `""`, or `"0/"`. */
  readonly prefix: string;
  readonly version: 2 | 3;
  readonly shape: readonly number[];
  /** Elements along each axis of what is decoded at once: the inner chunk of a shard. */
  readonly chunkShape: readonly number[];
  readonly chunkBytes: number;
  readonly sharding: Sharding | undefined;
  readonly type: StoredType;
  readonly bigEndian: boolean;
  /** One element, little-endian. */
  readonly fill: Uint8Array;
  /** The axes from the slowest to the fastest in a chunk's memory. */
  readonly order: readonly number[];
  /** In encoding order; `undefined` where the chain has something unusual, which zarrita reads. */
  readonly codecs: readonly BytesCodec[] | undefined;
  readonly codecNames: readonly string[];
  /** Key of the chunk, or the shard, at these grid coordinates. */
  readonly keyOf: (coordinates: readonly number[]) => string;
  readonly dimensionNames: readonly string[] | undefined;
  readonly attributes: Json;
  /** What all this was read from: `.zarray` or `zarr.json`. */
  readonly metadata: Json;
}

/** The largest chunk that is decoded, in bytes: what one WebAssembly memory can hold beside its compressed form. */
const MAX_CHUNK_BYTES = 2 ** 30;

const KNOWN: Readonly<Record<string, BytesCodec["name"]>> = {
  blosc: "blosc",
  gzip: "gzip",
  zlib: "zlib",
  zstd: "zstd",
  crc32c: "crc32c",
};

const bytesCodec = (name: string, configuration: Json): BytesCodec | undefined => {
  const known = KNOWN[name.replace(/^numcodecs\./, "")];
  const inner = typeof configuration.cname === "string" ? configuration.cname : undefined;
  return known === undefined ? undefined : { name: known, inner };
};

function checkSizes(
  shape: readonly number[],
  chunkShape: readonly number[],
  type: StoredType,
  key: string,
): number {
  if (chunkShape.length !== shape.length) {
    throw badMetadata(key, `chunks ${show(chunkShape)} do not have the axes of shape ${show(shape)}`);
  }
  const total = shape.reduce((product, size) => product * size, type.itemSize);
  if (!Number.isSafeInteger(total))
    throw badMetadata(key, `shape ${show(shape)} has more than 2 ** 53 bytes`);
  const chunkBytes = chunkShape.reduce((product, size) => product * size, type.itemSize);
  if (!(chunkBytes <= MAX_CHUNK_BYTES)) {
    throw new LazyImageError(
      "ERR_LIMIT",
      `Zarr metadata ${key}: one chunk of ${show(chunkShape)} has ${chunkBytes} bytes, more than ${MAX_CHUNK_BYTES}; write the image in smaller chunks`,
    );
  }
  return chunkBytes;
}

/**
 * A v2 array from `.zarray` and `.zattrs` (Zarr v2 specification).
 *
 * @throws LazyImageError `ERR_CORRUPT`, `ERR_LIMIT`, `ERR_UNSUPPORTED`, `ERR_UNSUPPORTED_DTYPE`
 */
export function parseV2Array(meta: Json, attributes: Json, prefix: string): ArraySpec {
  const key = `${prefix}.zarray`;
  const shape = sizesOf(meta.shape, 1, key, "shape");
  const chunkShape = sizesOf(meta.chunks, 1, key, "chunks");
  const { type, bigEndian } = parseV2Type(meta.dtype, key);
  const chunkBytes = checkSizes(shape, chunkShape, type, key);
  if (meta.order !== "C" && meta.order !== "F")
    throw badMetadata(key, `order is ${show(meta.order)}, not "C" or "F"`);
  const separator = meta.dimension_separator ?? ".";
  if (separator !== "." && separator !== "/")
    throw badMetadata(key, `dimension_separator is ${show(separator)}`);
  const filters: unknown = meta.filters ?? [];
  if (!Array.isArray(filters)) throw badMetadata(key, `filters is ${show(filters)}; expected a list or null`);
  const chain: unknown[] = [
    ...filters,
    ...(meta.compressor === null || meta.compressor === undefined ? [] : [meta.compressor]),
  ];
  const named = chain.map((codec) => {
    if (isObject(codec) && typeof codec.id === "string") return { name: codec.id, configuration: codec };
    throw badMetadata(key, `codec ${show(codec)} has no id`);
  });
  const names = named.map(({ name }) => name);
  const known = named.map(({ name, configuration }) => bytesCodec(name, configuration));
  const axes = shape.map((_, axis) => axis);
  const names2 = attributes._ARRAY_DIMENSIONS;
  return {
    prefix,
    version: 2,
    shape,
    chunkShape,
    chunkBytes,
    sharding: undefined,
    type,
    bigEndian,
    fill: fillBytes(type, meta.fill_value, key),
    order: meta.order === "C" ? axes : axes.reverse(),
    codecs: known.every((codec) => codec !== undefined) ? (known as BytesCodec[]) : undefined,
    codecNames: names,
    keyOf: (coordinates) => prefix + (coordinates.join(separator) || "0"),
    dimensionNames: isNames(names2) ? names2 : undefined,
    attributes,
    metadata: meta,
  };
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}

/** `codecs` as names and configurations. A bare string is a codec without configuration. */
function chainOf(value: unknown, key: string, field: string): { name: string; configuration: Json }[] {
  if (!Array.isArray(value)) throw badMetadata(key, `${field} is ${show(value)}; expected a list`);
  return value.map((codec: unknown) => {
    if (typeof codec === "string") return { name: codec, configuration: {} };
    if (!isObject(codec) || typeof codec.name !== "string")
      throw badMetadata(key, `codec ${show(codec)} has no name`);
    return { name: codec.name, configuration: isObject(codec.configuration) ? codec.configuration : {} };
  });
}

/** The parts of a v3 chain: transpose, then bytes in some order, then bytes to bytes. */
function readChain(
  chain: readonly { name: string; configuration: Json }[],
  rank: number,
  key: string,
): Pick<ArraySpec, "order" | "bigEndian" | "codecs"> {
  const rest = [...chain];
  let order = Array.from({ length: rank }, (_, axis) => axis);
  let usual = true;
  if (rest[0]?.name === "transpose") {
    const found = rest.shift()!.configuration.order;
    if (found === "F") order.reverse();
    else if (found !== "C") {
      if (
        !Array.isArray(found) ||
        [...found].sort((a, b) => a - b).some((axis, n) => axis !== n) ||
        found.length !== rank
      ) {
        throw badMetadata(key, `transpose order ${show(found)} is no permutation of ${rank} axes`);
      }
      order = found as number[];
    }
  }
  let bigEndian = false;
  if (rest[0]?.name === "bytes") bigEndian = rest.shift()!.configuration.endian === "big";
  else usual = false;
  const codecs = rest.map(({ name, configuration }) => bytesCodec(name, configuration));
  usual &&= codecs.every((codec) => codec !== undefined);
  return { order, bigEndian, codecs: usual ? (codecs as BytesCodec[]) : undefined };
}

/**
 * A v3 array from `zarr.json` (Zarr v3 core specification; sharding_indexed 1.0).
 *
 * @throws LazyImageError `ERR_CORRUPT`, `ERR_LIMIT`, `ERR_UNSUPPORTED`, `ERR_UNSUPPORTED_DTYPE`
 */
export function parseV3Array(meta: Json, prefix: string): ArraySpec {
  const key = `${prefix}zarr.json`;
  const unsupported = (what: string) =>
    new LazyImageError("ERR_UNSUPPORTED", `Zarr metadata ${key}: ${what} is not read`);
  const shape = sizesOf(meta.shape, 1, key, "shape");
  const grid = isObject(meta.chunk_grid) ? meta.chunk_grid : {};
  if (grid.name !== "regular") throw unsupported(`chunk grid ${show(grid.name)}`);
  const outer = sizesOf((grid.configuration as Json | undefined)?.chunk_shape, 1, key, "chunk_shape");
  const type = parseV3Type(meta.data_type, key);
  if (Array.isArray(meta.storage_transformers) && meta.storage_transformers.length > 0) {
    throw unsupported("a storage transformer");
  }

  let chain = chainOf(meta.codecs, key, "codecs");
  let chunkShape = outer;
  let sharding: Sharding | undefined;
  if (chain.some(({ name }) => name === "sharding_indexed")) {
    if (chain.length !== 1)
      throw unsupported(`sharding together with ${chain.map(({ name }) => name).join(", ")}`);
    const { configuration } = chain[0]!;
    chunkShape = sizesOf(configuration.chunk_shape, 1, key, "the shards' chunk_shape");
    if (chunkShape.length !== outer.length || outer.some((size, axis) => size % chunkShape[axis]! !== 0)) {
      throw badMetadata(key, `shards ${show(outer)} are no multiples of their chunks ${show(chunkShape)}`);
    }
    chain = chainOf(configuration.codecs, key, "the shards' codecs");
    const index = chainOf(configuration.index_codecs, key, "index_codecs");
    const names = index.map(({ name }) => name).join(", ");
    if ((names !== "bytes" && names !== "bytes, crc32c") || index[0]!.configuration.endian === "big") {
      throw unsupported(`a shard index encoded by ${names}`);
    }
    const location = configuration.index_location ?? "end";
    if (location !== "end" && location !== "start")
      throw badMetadata(key, `index_location is ${show(location)}`);
    if (chain.some(({ name }) => name === "sharding_indexed")) throw unsupported("a shard in a shard");
    sharding = { shape: outer, indexAtEnd: location === "end", indexChecked: names !== "bytes" };
    const chunks = outer.reduce((product, size, axis) => product * (size / chunkShape[axis]!), 1);
    if (!(chunks * 16 <= MAX_CHUNK_BYTES)) throw badMetadata(key, `a shard of ${chunks} chunks`);
  }
  const chunkBytes = checkSizes(shape, chunkShape, type, key);
  const { order, bigEndian, codecs } = readChain(chain, shape.length, key);

  const encoding = isObject(meta.chunk_key_encoding) ? meta.chunk_key_encoding : { name: "default" };
  if (encoding.name !== "default" && encoding.name !== "v2") {
    throw unsupported(`chunk key encoding ${show(encoding.name)}`);
  }
  const separator =
    (encoding.configuration as Json | undefined)?.separator ?? (encoding.name === "default" ? "/" : ".");
  if (separator !== "." && separator !== "/") throw badMetadata(key, `separator is ${show(separator)}`);
  const keyOf =
    encoding.name === "default"
      ? (coordinates: readonly number[]) => prefix + ["c", ...coordinates].join(separator)
      : (coordinates: readonly number[]) => prefix + (coordinates.join(separator) || "0");
  return {
    prefix,
    version: 3,
    shape,
    chunkShape,
    chunkBytes,
    sharding,
    type,
    bigEndian,
    fill: fillBytes(type, meta.fill_value, key),
    order,
    codecs,
    codecNames: chain.map(({ name }) => name),
    keyOf,
    dimensionNames: isNames(meta.dimension_names) ? meta.dimension_names : undefined,
    attributes: isObject(meta.attributes) ? meta.attributes : {},
    metadata: meta,
  };
}
