// A function over a region, with the backend that it needs in threads: the sum of the voxels that are its own.
import { existsSync, rmSync } from "node:fs";
import "@lazyimg/backend-nifti";

export default function sums({ tensor, start, stop, origin, affine }, options) {
  const [c, ...sizes] = tensor.shape;
  let sum = 0;
  for (let k = start[2]; k < stop[2]; k++)
    for (let j = start[1]; j < stop[1]; j++)
      for (let i = start[0]; i < stop[0]; i++)
        for (let n = 0; n < c; n++) sum += tensor.at(n, i - origin[0], j - origin[1], k - origin[2]);
  if (options?.die === start.join() && existsSync(options.once)) {
    rmSync(options.once);
    process.kill(process.pid, "SIGKILL");
  }
  if (options?.fail === start.join()) throw new Error(`no sum of ${start}`);
  return { sum, sizes, corner: [affine[3], affine[7], affine[11]], options: options ?? null };
}
