import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { niftiZarr, remoteZarr, zarrStore } from "@lazyimg/backend-zarr/backend";
import { type WriteZarrOptions, writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { bytesSource } from "@lazyimg/byte-source";
import { type Affine, createRequest, type DType, type Tensor } from "@lazyimg/core";
import { backendSuite, countingSource, type Subject, volume } from "@lazyimg/testkit";
import { zipSync } from "fflate";
import { afterAll, beforeAll, describe, test } from "vitest";
import { serve } from "./served.js";

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
  const { tensor, affine } = volume({ dtype, shape: [2, 9, 10, 11], affine: AFFINE });
  const files = new Map<string, Uint8Array>();
  await writeNiftiZarr(tensorBackend(tensor, affine), files, options);
  return { files, expected: tensor.copy(), affine };
}

// Exact in float32, as NIfTI-1 keeps it.
const AFFINE = [
  -1.875, 0.125, 0.25, 91.5, 0.25, 2.25, -0.375, -118.25, 0.0625, 0.5, 3.125, -69.75, 0, 0, 0, 1,
];

describe.each(Object.entries(layouts))("%s", (_, { options, dtypes }) => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lazyimg-zarr-"));
    const { tensor, affine } = volume({ dtype: "int16", shape: [2, 9, 10, 11], affine: AFFINE });
    await writeNiftiZarr(tensorBackend(tensor, affine), join(folder, "image.nii.zarr"), options);
  });
  afterAll(() => rm(folder, { recursive: true }));

  describe.each(dtypes)("%s", (dtype) => {
    backendSuite({
      test,
      name: "memory",
      supports: { source: false },
      async create(): Promise<Subject> {
        const { files, expected, affine } = await written(dtype, options);
        return { backend: (await zarrStore.open(createRequest(files), {}))!, expected, affine };
      },
    });
  });

  backendSuite({
    test,
    name: "directory",
    supports: { source: false },
    async create(): Promise<Subject> {
      const { expected, affine } = await written("int16", options);
      const backend = (await niftiZarr.open(createRequest(join(folder, "image.nii.zarr")), {}))!;
      return { backend, expected, affine };
    },
  });

  backendSuite({
    test,
    name: "archive",
    supports: { source: false },
    async create(): Promise<Subject> {
      const { files, expected, affine } = await written("int16", options);
      const entries = Object.fromEntries([...files].map(([key, bytes]) => [key.slice(1), bytes]));
      const bytes = zipSync(entries, { level: 6 });
      const source = countingSource(bytesSource(bytes, { name: "image.zarr.zip" }));
      const backend = (await niftiZarr.open(createRequest(source), {}))!;
      return { backend, expected, affine };
    },
  });

  backendSuite({
    test,
    name: "HTTP",
    supports: { source: false },
    async create(): Promise<Subject> {
      const { files, expected, affine } = await written("int16", options);
      const server = await serve(files);
      const backend = (await remoteZarr.open(createRequest(server.url), {}))!;
      return { backend, expected, affine, cleanup: () => server.close() };
    },
  });
});
