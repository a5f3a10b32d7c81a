// The files that the benchmarks read: made once from the same voxels, and kept in the system's temporary folder.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { writeNifti } from "@lazyimg/backend-nifti";
import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { fileSource } from "@lazyimg/byte-source";
import { createRequest, resolveBackend, Tensor } from "@lazyimg/core";
import { encodeNiftiHeader } from "@lazyimg/nifti-header";
import { buildIndex, writeIndex } from "@lazyimg/seekable-gzip";
import { peerPython } from "./peer.mjs";

const AFFINE = [-0.5, 0, 0, 127, 0, 0.5, 0, -120, 0, 0, 0.5, -90, 0, 0, 0, 1];
/** Where voxels begin in a `.nii`. */
export const HEADER = 352;

/** Numbers below `bound` that look random and are the same each time. */
export function picker(seed = 1) {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** A noisy ellipsoid in a noisy background, other in each volume: as compressible as scans are. */
function voxels([channels, is, js, ks]) {
  const data = new Int16Array(channels * is * js * ks);
  const pick = picker(12345);
  const noise = () => pick(2 ** 24) / 2 ** 24;
  let at = 0;
  for (let c = 0; c < channels; c++)
    for (let k = 0; k < ks; k++)
      for (let j = 0; j < js; j++)
        for (let i = 0; i < is; i++) {
          const [x, y, z] = [(2.5 * i) / is - 1.25, (2.3 * j) / js - 1.15, (2.2 * k) / ks - 1.1];
          const r = x * x + y * y + z * z;
          const wave = 150 * Math.sin(12 * x + c) * Math.cos(10 * y + 6 * z);
          data[at++] = r > 1 ? 20 * noise() * noise() : 800 * (1 - r) + wave + 60 * (noise() + noise() - 1);
        }
  return data;
}

/** Makes a file or folder unless it is there; under another name until it is complete. */
async function made(name, make) {
  const path = join(tmpdir(), `lazyimg-bench-${name}`);
  if (!existsSync(path)) {
    const part = path.replace(/lazyimg-bench-/, "lazyimg-bench-part-");
    await make(part);
    renameSync(part, path);
  }
  return path;
}

/** Path of a `.nii` of int16, of this shape (C, I, J, K). */
export const niftiFile = (shape) =>
  made(`scan-${shape.join("x")}.nii`, (path) => {
    const [, i, j, k] = shape;
    const tensor = new Tensor({
      data: voxels(shape),
      dtype: "int16",
      shape,
      strides: [i * j * k, 1, i, i * j],
    });
    return writeNifti(tensorBackend(tensor, AFFINE), path);
  });

/** Path of the same as `.nii.gz`, by zlib's level 6. */
export const gzipFile = (shape) =>
  made(`scan-${shape.join("x")}.nii.gz`, async (path) =>
    writeFileSync(path, gzipSync(readFileSync(await niftiFile(shape)), { level: 6 })),
  );

/** Path of that `.nii.gz` with a GZIDX beside it. */
export const indexedGzipFile = async (shape) => {
  const path = await gzipFile(shape);
  await made(`${basename(path).slice("lazyimg-bench-".length)}.gzidx`, async (part) => {
    const source = fileSource(path);
    writeFileSync(part, writeIndex(await buildIndex(source)));
    await source.close();
  });
  return path;
};

/** Path of the same as `.nii.zarr`: Zarr of one level, chunks of 64 x 64 x 64. @param codec as `writeNiftiZarr` has it */
export const zarrFolder = (shape, codec, zarrFormat = 3) =>
  made(`scan-${shape.join("x")}-v${zarrFormat}-${codec}.nii.zarr`, async (path) => {
    const image = await resolveBackend(createRequest(await niftiFile(shape)));
    await writeNiftiZarr(image, path, { codec, chunk: 64, levels: 1, zarrFormat });
    await image.close();
  });

/** Path of the same by nifti-zarr: Zarr v2, of codec "blosc", "zstd" or "gzip"; see make_zarr.py. */
export const niizarrFolder = (shape, codec) =>
  made(`scan-${shape.join("x")}-niizarr-${codec}.nii.zarr`, async (path) => {
    const python = peerPython();
    if (python === null)
      throw new Error("nifti-zarr makes these files, and there is no Python to install it in");
    const script = fileURLToPath(new URL("make_zarr.py", import.meta.url));
    execFileSync(python, [script, await niftiFile(shape), path, codec], {
      stdio: ["ignore", "ignore", "inherit"],
    });
  });

/** Path of a sparse `.nii` of int16 of 512 x 512 x `slices`, all zero. */
export const sparseFile = (slices) =>
  made(`sparse-${slices}.nii`, (path) => {
    const header = encodeNiftiHeader({ shape: [1, 512, 512, slices], dtype: "int16", affine: AFFINE });
    writeFileSync(path, header);
    truncateSync(path, header.length + 512 * 512 * slices * 2);
  });

/** Path of a folder of `count` images of 8 x 8 x 8 int16: `0.nii`, `1.nii` ... */
export const manyFiles = (count) =>
  made(`many-${count}`, (path) => {
    const header = encodeNiftiHeader({ shape: [1, 8, 8, 8], dtype: "int16", affine: AFFINE });
    const bytes = Buffer.concat([header, Buffer.alloc(1024, 7)]);
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path);
    for (let n = 0; n < count; n++) writeFileSync(join(path, `${n}.nii`), bytes);
  });
