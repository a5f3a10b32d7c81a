import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import "./every-format.mjs";
import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { bytesSource } from "@lazyimg/byte-source";
import { bytesOf, type Shape4D, type Tensor } from "@lazyimg/core";
import { encodeNiftiHeader } from "@lazyimg/nifti-header";
import { buildIndex, writeIndex } from "@lazyimg/seekable-gzip";
import { volume } from "@lazyimg/testkit";
import { otherFormats, type Voxels } from "./other-formats.mjs";

// fflate is a dependency of the Zarr backend, not of the workspace.
const { zipSync } = createRequire(new URL("../../../packages/backend-zarr/package.json", import.meta.url))(
  "fflate",
) as { zipSync(files: Record<string, Uint8Array>, options: { level: 0 }): Uint8Array };

/** One image in every container that is read, with the voxels that must come out. */
export interface Sample {
  readonly tensor: Tensor;
  readonly voxels: Voxels;
  /** Files by path: `scan.nii`, `pair.hdr`, `pair.img`, `scan.zarr/...`, and so on. */
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** What of a sample is opened: `indexed.nii.gz` has a sidecar, the voxels of `apart.*` are in a file beside it. */
export const CONTAINERS = [
  "scan.nii",
  "scan.nii.gz",
  "indexed.nii.gz",
  "pair.hdr",
  "scan.zarr",
  "scan.zarr.zip",
  "scan.mgh",
  "scan.mgz",
  "scan.nrrd",
  "packed.nrrd",
  "apart.nhdr",
  "scan.mha",
  "packed.mha",
  "apart.mhd",
  "scan.mif",
  "apart.mih",
  "scan.npy",
] as const;
export type Container = (typeof CONTAINERS)[number];

/** Where the voxels are of what has them in a file beside it. */
export const DATA: Readonly<Partial<Record<Container, string>>> = {
  "pair.hdr": "pair.img",
  "apart.nhdr": "nrrd.raw",
  "apart.mhd": "meta.raw",
  "apart.mih": "mif.dat",
};

/** Distinct voxels of int16, noise enough that gzip does not make them few. */
export async function makeSample(shape: Shape4D = [2, 40, 36, 30]): Promise<Sample> {
  const { tensor, affine } = volume({ dtype: "int16", shape });
  const init = { shape, affine, dtype: "int16", littleEndian: true } as const;
  const voxels = bytesOf(tensor.copy("F").data);
  // NIfTI has its channels last: volume by volume.
  const planes = Array.from({ length: shape[0] }, (_, c) => bytesOf(tensor.slice(c).copy("F").data));
  const body = shape[0] === 1 ? voxels : Buffer.concat(planes);
  const single = Buffer.concat([encodeNiftiHeader({ ...init, singleFile: true }), body]);
  const store = new Map<string, Uint8Array>();
  await writeNiftiZarr(tensorBackend(tensor, affine), store, { chunk: 16, levels: 1, codec: "gzip" });
  const packed = new Uint8Array(gzipSync(single));
  const index = await buildIndex(bytesSource(packed), { spacing: 65_536 });
  const written = { shape, body, inC: bytesOf(tensor.copy("C").data) };
  const below = [...store].map(([key, bytes]) => [key.slice(1), new Uint8Array(bytes)] as const);
  return {
    tensor,
    voxels: written,
    files: {
      ...otherFormats(written),
      "scan.nii": new Uint8Array(single),
      "scan.nii.gz": packed,
      "indexed.nii.gz": packed,
      "indexed.nii.gz.gzidx": writeIndex(index),
      "pair.hdr": encodeNiftiHeader({ ...init, singleFile: false }),
      "pair.img": new Uint8Array(body),
      ...Object.fromEntries(below.map(([key, bytes]) => [`scan.zarr/${key}`, bytes])),
      "scan.zarr.zip": zipSync(Object.fromEntries(below), { level: 0 }),
    },
  };
}

/** Writes the files of a sample below a folder. */
export async function writeSample({ files }: Sample, folder: string): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
}

/** A folder that is gone when the test is over. */
export class Scratch {
  readonly folder: string = mkdtempSync(join(tmpdir(), "lazyimg-faults-"));

  at(...names: string[]): string {
    return join(this.folder, ...names);
  }

  read(...names: string[]): Promise<Buffer> {
    return readFile(this.at(...names));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
