import { bytesOf, isLazyImageError, LazyImageError } from "@lazyimg/core";
import * as zarr from "zarrita";
import type { ArraySpec } from "../meta/array-spec.js";
import { registerCodecs } from "../register-codecs.js";
import type { Store, StoreRange } from "../store/store.js";
import { chunkError } from "./decode-chunk.js";

/** A decoded chunk and the elements between neighbours along each array axis; `undefined` is the fill value. */
export type ChunkSource = (
  coordinates: readonly number[],
  key: string,
  signal: AbortSignal | undefined,
) => Promise<{ bytes: Uint8Array; strides: readonly number[] } | undefined>;

/** What zarrita asks of a store, answered by ours; but the array's metadata are those that were checked, not what the key has. */
function readableOf(store: Store, { prefix, version, metadata }: ArraySpec): zarr.AsyncReadable {
  const own = prefix + (version === 2 ? ".zarray" : "zarr.json");
  return {
    get: async (key, options) =>
      key.slice(1) === own
        ? new TextEncoder().encode(JSON.stringify(metadata))
        : store.get(key.slice(1), { signal: options?.signal }),
    getRange: (key, range: StoreRange, options) =>
      store.getRange(key.slice(1), range, { signal: options?.signal }),
  };
}

/**
 * Reads the chunks of an array through zarrita, for filters and codecs that are not decoded here.
 *
 * @throws LazyImageError `ERR_UNSUPPORTED` for a codec that zarrita has not either, `ERR_UNSUPPORTED_DTYPE` for complex
 * numbers, RGB and float16 behind an unusual codec
 */
export async function zarritaChunks(store: Store, spec: ArraySpec): Promise<ChunkSource> {
  const { type, codecNames } = spec;
  if (type.samples > 1 || /^complex/.test(type.dtype) || type.half) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED_DTYPE",
      `Data type ${type.name} is read with the codecs blosc, gzip, zlib, zstd and crc32c only; ${spec.prefix || "the array"} has ${codecNames.join(", ")}`,
    );
  }
  if (spec.sharding?.indexAtEnd === false) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `Shards with their index at the start and codecs ${codecNames.join(", ")}`,
    );
  }
  registerCodecs();
  const location = new zarr.Location(readableOf(store, spec), `/${spec.prefix.replace(/\/$/, "")}`);
  const array = await openArray(location, spec);
  return async (coordinates, key, signal) => {
    try {
      const { data, stride, shape } = await array.getChunk([...coordinates], signal ? { signal } : {});
      const bytes = bytesOf(data as unknown as ArrayBufferView);
      const size = shape.reduce((product, count) => product * count, type.itemSize);
      if (bytes.length !== size)
        throw new LazyImageError("ERR_CORRUPT", `decodes to ${bytes.length} bytes, not ${size}`);
      return { bytes, strides: stride };
    } catch (error) {
      signal?.throwIfAborted();
      if (isLazyImageError(error) && error.code !== "ERR_CORRUPT") throw error;
      throw chunkError(key, error);
    }
  };
}

async function openArray(
  location: zarr.Location<zarr.AsyncReadable>,
  { version, prefix }: ArraySpec,
): Promise<zarr.Array<zarr.DataType, zarr.AsyncReadable>> {
  try {
    const open = version === 2 ? zarr.open.v2 : zarr.open.v3;
    return await open(location, { kind: "array" });
  } catch (cause) {
    if (isLazyImageError(cause)) throw cause;
    throw new LazyImageError(
      "ERR_HEADER",
      `Zarr array ${prefix || "/"} has metadata that zarrita, which knows its codecs, does not understand: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/**
 * Checks that every codec is known, here or to zarrita.
 *
 * @throws LazyImageError `ERR_UNSUPPORTED` that names the codec
 */
export function checkCodecs(spec: ArraySpec): void {
  if (spec.codecs !== undefined) return;
  for (const name of spec.codecNames) {
    const known =
      zarr.registry.has(name) || zarr.registry.has(`numcodecs.${name}`) || name === "fixedscaleoffset";
    if (!known) {
      throw new LazyImageError(
        "ERR_UNSUPPORTED",
        `Zarr array ${spec.prefix || "/"} uses the codec ${name}; known are ${[...zarr.registry.keys()].filter((key) => !key.includes(".")).join(", ")}. Register it with zarrita's \`registry\`, or write the image with another.`,
      );
    }
  }
}
