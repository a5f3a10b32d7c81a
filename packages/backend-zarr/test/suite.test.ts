import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { niftiZarr, remoteZarr, zarrStore } from "@lazyimg/backend-zarr/backend";
import { type WriteZarrOptions, writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { bytesSource } from "@lazyimg/byte-source";
import { createRequest, type DType } from "@lazyimg/core";
import { backendSuite, countingSource, type Subject, volume } from "@lazyimg/testkit";
import { zipSync } from "fflate";
import { describe, test } from "vitest";
import { serve } from "./served.js";

const dtypes: DType[] = ["uint8", "int16", "float64", "int64", "complex64"];
const layouts: Record<string, WriteZarrOptions> = {
  "v3, blosc": { chunk: [8, 4, 4], levels: 2 },
  "v2, gzip": { chunk: 4, zarrFormat: 2, codec: "gzip" },
  "v3, shards, zstd": { chunk: 4, shard: 8, codec: "zstd" },
};

async function written(dtype: DType, options: WriteZarrOptions) {
  // One channel: several would be times, which the suite does not mind either.
  const { tensor, affine } = volume({ dtype, shape: [2, 9, 10, 11], affine: AFFINE });
  const files = new Map<string, Uint8Array>();
  await writeNiftiZarr(tensorBackend(tensor, affine), files, options);
  return { files, expected: tensor.copy(), affine };
}

// Exact in float32, as NIfTI-1 keeps it.
const AFFINE = [-1.875, 0.125, 0.25, 91.5, 0.25, 2.25, -0.375, -118.25, 0.0625, 0.5, 3.125, -69.75, 0, 0, 0, 1];

describe.each(Object.entries(layouts))("%s", (_, options) => {
  describe.each(dtypes)("%s", (dtype) => {
    backendSuite({
      test,
      name: "memory",
      async create(): Promise<Subject> {
        const { files, expected, affine } = await written(dtype, options);
        return { backend: (await zarrStore.open(createRequest(files), {}))!, expected, affine };
      },
    });
  });

  backendSuite({
    test,
    name: "directory",
    async create(): Promise<Subject> {
      const { tensor, affine } = volume({ dtype: "int16", shape: [2, 9, 10, 11], affine: AFFINE });
      const folder = await mkdtemp(join(tmpdir(), "lazyimg-zarr-"));
      const path = join(folder, "image.nii.zarr");
      await writeNiftiZarr(tensorBackend(tensor, affine), path, options);
      const backend = (await niftiZarr.open(createRequest(path), {}))!;
      return { backend, expected: tensor.copy(), affine, cleanup: () => rm(folder, { recursive: true }) };
    },
  });

  backendSuite({
    test,
    name: "archive",
    async create(): Promise<Subject> {
      const { files, expected, affine } = await written("int16", options);
      const entries = Object.fromEntries([...files].map(([key, bytes]) => [key.slice(1), bytes]));
      const bytes = zipSync(entries, { level: 6 });
      // A large member that nobody reads: opening must not.
      const source = countingSource(bytesSource(bytes, { name: "image.zarr.zip" }));
      const backend = (await niftiZarr.open(createRequest(source), {}))!;
      return { backend, expected, affine };
    },
  });

  backendSuite({
    test,
    name: "HTTP",
    async create(): Promise<Subject> {
      const { files, expected, affine } = await written("int16", options);
      const server = await serve(files);
      const backend = (await remoteZarr.open(createRequest(server.url), {}))!;
      return { backend, expected, affine, cleanup: () => server.close() };
    },
  });
});
