// The sample volume and its voxels, decoded here and not by the code that is rehearsed.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { ROOT } from "./sandbox.mjs";

export const PHANTOM = join(ROOT, "examples", "phantom.nii.gz");

const bytes = gunzipSync(readFileSync(PHANTOM));
const [sizeI, sizeJ, sizeK] = [42, 44, 46].map((at) => bytes.readInt16LE(at));

/** (C, I, J, K) */
export const SHAPE = [1, sizeI, sizeJ, sizeK];

/** Values of one axial plane, J fastest, as the C order of (1, I, J, 1) has them. int16, unscaled. */
export function plane(k) {
  const offset = bytes.readFloatLE(108);
  const at = (i, j) => bytes.readInt16LE(offset + 2 * (i + sizeI * (j + sizeJ * k)));
  return Array.from({ length: sizeI * sizeJ }, (_, n) => at(Math.floor(n / sizeJ), n % sizeJ));
}
