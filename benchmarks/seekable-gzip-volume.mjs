// The gzipped volume that the gzip benchmarks read: made once, and kept in the system's temporary folder.
import { existsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as zlib from "node:zlib";
import { encodeNiftiHeader } from "../packages/nifti-header/dist/index.js";

const SHAPE = [1, 512, 512, 400];
const AFFINE = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
export const HEADER = 352;
export const PLANE = 512 * 512 * 2;
export const SIZE = HEADER + PLANE * 400;

/** An ellipsoid with waves and noise in a noisy background, as scans are: 210 MB of int16. */
function volume() {
  const bytes = new Uint8Array(SIZE);
  bytes.set(encodeNiftiHeader({ shape: SHAPE, dtype: "int16", affine: AFFINE }));
  const voxels = new Int16Array(bytes.buffer, HEADER);
  let seed = 12345;
  const random = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return (seed >>> 8) / 2 ** 24;
  };
  let at = 0;
  for (let k = 0; k < 400; k++) {
    for (let j = 0; j < 512; j++) {
      for (let i = 0; i < 512; i++) {
        const r = ((i - 256) / 200) ** 2 + ((j - 256) / 220) ** 2 + ((k - 200) / 180) ** 2;
        const wave = 150 * Math.sin(i / 17) * Math.cos(j / 23 + k / 31);
        voxels[at++] =
          r > 1 ? 20 * random() * random() : 800 * (1 - r) + wave + 60 * (random() + random() - 1);
      }
    }
  }
  return bytes;
}

/** Path of the volume, compressed with zlib's level 6 to 95 MB. */
export function gzippedVolume() {
  const path = join(tmpdir(), "lazyimg-bench-volume.nii.gz");
  if (!existsSync(path)) writeFileSync(path, zlib.gzipSync(volume(), { level: 6 }));
  return path;
}

/** Reproducible whole numbers below a bound. */
export function picker(seed = 1) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
