import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { niftiZarr, remoteZarr, zarrStore } from "@lazyimg/backend-zarr/backend";
import { type WriteZarrOptions, writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { bytesSource } from "@lazyimg/byte-source";
import { type Affine, createRequest, type DType, type Tensor } from "@lazyimg/core";
import { backendSuite, countingSource, countingStore, volume } from "@lazyimg/testkit";
import { misbehavingServer } from "@lazyimg/testkit/server";
import { type Zippable, zipSync } from "fflate";
import { afterAll, beforeAll, describe, test } from "vitest";
import { opened } from "../../../tests/support/formats.js";
import { countingDirectory } from "./counting-directory.js";

/** Each layout over every kind of store, and each data type over memory, once. */
const layouts: Record<string, { readonly options: WriteZarrOptions; readonly dtypes: readonly DType[] }> = {
  "v3, blosc": { options: { chunk: [8, 4, 4], levels: 2 }, dtypes: ["uint8", "int16"] },
  "v2, gzip": { options: { chunk: 4, zarrFormat: 2, codec: "gzip" }, dtypes: ["complex64"] },
  "v3, shards, zstd": { options: { chunk: 4, shard: 8, codec: "zstd" }, dtypes: ["int64"] },
};

interface Written {
  readonly files: Map<string, Uint8Array>;
  readonly expected: Tensor;
  readonly affine: Affine;
}

const made = new Map<string, Promise<Written>>();

/** Each image is written once. */
function written(dtype: DType, options: WriteZarrOptions): Promise<Written> {
  const key = JSON.stringify([dtype, options]);
  const found = made.get(key) ?? write(dtype, options);
  made.set(key, found);
  return found;
}

async function write(dtype: DType, options: WriteZarrOptions): Promise<Written> {
  const { tensor, affine } = volume({ dtype, shape: SHAPE, affine: AFFINE });
  const files = new Map<string, Uint8Array>();
  await writeNiftiZarr(tensorBackend(tensor, affine), files, options);
  return { files, expected: tensor.copy(), affine };
}

const SHAPE = [2, 9, 10, 11] as const;
/** Metadata of two levels, and the NIfTI header. */
const OPEN_BYTES = 10_500;

// Exact in float32, as NIfTI-1 keeps it.
const AFFINE = [
  -1.875, 0.125, 0.25, 91.5, 0.25, 2.25, -0.375, -118.25, 0.0625, 0.5, 3.125, -69.75, 0, 0, 0, 1,
];

/** Files for an archive: its end, where the directory may begin, its metadata and its chunks in blocks of their own. */
function spread(files: ReadonlyMap<string, Uint8Array>): Zippable {
  const gap: Zippable[string] = [new Uint8Array(150_000), { level: 0 }];
  const entries = [...files].map(([key, bytes]) => [key.slice(1), bytes] as const);
  const isMetadata = ([key]: readonly [string, Uint8Array]) => /^nifti\/|zarr\.json$|\.z\w+$/.test(key);
  const metadata = Object.fromEntries(entries.filter(isMetadata));
  const chunks = Object.fromEntries(entries.filter((entry) => !isMetadata(entry)));
  return { ...metadata, "gap/0": gap, ...chunks, "gap/1": gap };
}

describe.each(Object.entries(layouts))("%s", (_, { options, dtypes }) => {
  // Chunks of a shard are read with what lies between; of a shard on a server, the size is asked for first.
  const explain = options.shard === undefined ? true : "estimate";
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lazyimg-zarr-"));
    const { tensor, affine } = volume({ dtype: "int16", shape: SHAPE, affine: AFFINE });
    await writeNiftiZarr(tensorBackend(tensor, affine), join(folder, "image.nii.zarr"), options);
  });
  afterAll(() => rm(folder, { recursive: true }));

  describe.each(dtypes)("%s", (dtype) => {
    backendSuite({
      test,
      name: "memory",
      supports: { explain },
      async create() {
        const { files, expected, affine } = await written(dtype, options);
        const source = countingStore(files);
        return {
          backend: await opened(zarrStore, createRequest(source)),
          source,
          expected,
          affine,
          openBytes: OPEN_BYTES,
        };
      },
    });
  });

  backendSuite({
    test,
    name: "directory",
    async create() {
      const { expected, affine } = await written("int16", options);
      const directory = join(folder, "image.nii.zarr");
      const source = countingDirectory(directory);
      const backend = await opened(niftiZarr, createRequest(directory));
      return { backend, source, expected, affine, openBytes: OPEN_BYTES, cleanup: source.stop };
    },
  });

  backendSuite({
    test,
    name: "archive",
    // A cache reads blocks.
    supports: { explain: "estimate" },
    async create() {
      const { files, expected, affine } = await written("int16", options);
      const archive = zipSync(spread(files), { level: 6 });
      const source = countingSource(bytesSource(archive, { name: "image.zarr.zip" }));
      const backend = await opened(niftiZarr, createRequest(source));
      return { backend, source, expected, affine, openBytes: 300_000 };
    },
  });

  backendSuite({
    test,
    name: "HTTP",
    supports: { explain },
    async create() {
      const { files, expected, affine } = await written("int16", options);
      const below = [...files].map(([key, bytes]) => [`image.zarr${key}`, bytes] as const);
      const source = await misbehavingServer(Object.fromEntries(below));
      const backend = await opened(remoteZarr, createRequest(`${source.url}image.zarr`));
      return { backend, source, expected, affine, openBytes: OPEN_BYTES, cleanup: source.close };
    },
  });
});
