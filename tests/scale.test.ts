import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { nifti } from "@lazyimg/backend-nifti";
import { fileSource } from "@lazyimg/byte-source";
import { IDENTITY, type Index, type Shape4D } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { encodeNiftiHeader } from "@lazyimg/nifti-header";
import { countingSource } from "@lazyimg/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";

/** What a region costs depends on the region alone: not on how large its file is, nor on how many images are open. */

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lazyimg-scale-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A sparse int16 file of (512, 512, slices), all zero but for 4321 in the middle of the last block of 64 x 64 x 64. */
async function sparseFile(slices: number): Promise<{ path: string; bytes: number; block: Index }> {
  const path = join(folder, `${slices}.nii`);
  const shape: Shape4D = [1, 512, 512, slices];
  const header = encodeNiftiHeader({ shape, dtype: "int16", affine: IDENTITY });
  const bytes = header.length + 512 * 512 * slices * 2;
  const file = await open(path, "w");
  await file.write(header);
  await file.truncate(bytes);
  const voxel = 480 + 512 * (480 + 512 * (slices - 32));
  await file.write(Int16Array.of(4321), 0, 2, header.length + 2 * voxel);
  await file.close();
  const last = (size: number) => ({ start: size - 64, stop: size, step: null });
  return { path, bytes, block: [0, last(512), last(512), last(slices)] };
}

test("a block costs the same in files of 0.1, 1, 4 and 16 GB", async () => {
  const costs: object[] = [];
  for (const slices of [200, 2000, 8000, 32000]) {
    const { path, bytes, block } = await sparseFile(slices);
    expect(bytes).toBeGreaterThan(slices * 5e5);
    const source = countingSource(fileSource(path));
    const image = await openImage(source, { backends: [nifti] });
    const opening = source.bytes;
    const tensor = await image.read(block);
    expect(tensor.at(0, 32, 32, 32)).toBe(4321);
    costs.push({ opening, bytes: source.bytes, requests: source.requests, plan: image.explain(block) });
    await image.close();
    await rm(path);
  }
  expect(new Set(costs.map((cost) => JSON.stringify(cost))).size, JSON.stringify(costs)).toBe(1);
});

test.skipIf(!existsSync("/proc/self/fd"))(
  "ten thousand open images take no handles and little memory",
  async () => {
    const header = encodeNiftiHeader({ shape: [1, 8, 8, 8], dtype: "int16", affine: IDENTITY });
    const bytes = Buffer.concat([header, Buffer.alloc(1024, 7)]);
    const names = Array.from({ length: 10_000 }, (_, n) => join(folder, `${n}.nii`));
    for (let n = 0; n < names.length; n += 500)
      await Promise.all(names.slice(n, n + 500).map((name) => writeFile(name, bytes)));
    const script = fileURLToPath(new URL("support/many-images.mjs", import.meta.url));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ["--expose-gc", script, folder]);
    expect(stderr).toBe("");
    const { handles, bytesPerImage } = JSON.parse(stdout) as { handles: number; bytesPerImage: number };
    // The pool of descriptors, and what the platform opens for itself.
    expect(handles).toBeGreaterThan(0);
    expect(handles).toBeLessThanOrEqual(64 + 8);
    // A header and what describes it; no voxels.
    expect(bytesPerImage).toBeLessThanOrEqual(16_384);
  },
);
