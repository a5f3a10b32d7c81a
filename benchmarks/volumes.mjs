// The volumes that the benchmarks read, made once and kept in the system's temporary folder.
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeNifti } from "@lazyimg/backend-nifti";
import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { Tensor } from "@lazyimg/core";

/** Smooth structure and some noise: int16 that compresses to about half, as scans do. */
function voxels([c, i, j, k]) {
  const data = new Int16Array(c * i * j * k);
  let seed = 1;
  let n = 0;
  for (let t = 0; t < c; t++) {
    for (let z = 0; z < k; z++) {
      for (let y = 0; y < j; y++) {
        for (let x = 0; x < i; x++) {
          seed = (seed * 1103515245 + 12345) & 0x7fffffff;
          data[n++] =
            1000 + 2000 * Math.sin(x / 40) * Math.cos(y / 50) * Math.sin(z / 30 + t) + ((seed >> 16) & 31);
        }
      }
    }
  }
  return data;
}

/** Path of a .nii of this shape (C, I, J, K), written if it isn't there yet. */
export async function volumeFile(shape) {
  const path = join(tmpdir(), `lazyimg-bench-${shape.join("x")}.nii`);
  if (!existsSync(path)) {
    const [, i, j, k] = shape;
    const strides = [i * j * k, 1, i, i * j];
    const tensor = new Tensor({ data: voxels(shape), dtype: "int16", shape, strides });
    await writeNifti(tensorBackend(tensor, [1, 0, 0, -9, 0, 1, 0, 5, 0, 0, 1, 7, 0, 0, 0, 1]), path);
  }
  return path;
}
