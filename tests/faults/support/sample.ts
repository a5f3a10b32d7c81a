import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { bytesOf, type Shape4D, type Tensor } from "@lazyimg/core";
import { encodeNiftiHeader } from "@lazyimg/nifti-header";
import { volume } from "@lazyimg/testkit";

// fflate is a dependency of the Zarr backend, not of the workspace.
const { zipSync } = createRequire(new URL("../../../packages/backend-zarr/package.json", import.meta.url))(
  "fflate",
) as { zipSync(files: Record<string, Uint8Array>, options: { level: 0 }): Uint8Array };

/** One image in every container that is read, with the voxels that must come out. */
export interface Sample {
  readonly tensor: Tensor;
  /** Files by path: `scan.nii`, `scan.nii.gz`, `pair.hdr`, `pair.img`, `scan.zarr/...`, `scan.zarr.zip`. */
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** What of a sample is opened. */
export const CONTAINERS = ["scan.nii", "scan.nii.gz", "pair.hdr", "scan.zarr", "scan.zarr.zip"] as const;

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
  const below = [...store].map(([key, bytes]) => [key.slice(1), new Uint8Array(bytes)] as const);
  return {
    tensor,
    files: {
      "scan.nii": new Uint8Array(single),
      "scan.nii.gz": new Uint8Array(gzipSync(single)),
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
