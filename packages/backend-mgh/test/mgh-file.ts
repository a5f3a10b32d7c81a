import { bytesOf } from "@lazyimg/core";
import { swapBytes } from "@lazyimg/raw-array";
import type { Volume } from "@lazyimg/testkit";

/** What lies behind the voxels: TR, flip angle, TE, TI, field of view. */
const FOOTER = [2000, 0.5, 3.25, 900, 256];

/** An MGH file of a volume, whose affine has few bits. */
export function mghFile({ tensor, affine }: Volume, type: number): Uint8Array {
  const [frames, ...sizes] = tensor.shape;
  const view = new DataView(new ArrayBuffer(284));
  [1, ...sizes, frames, type].forEach((value, n) => {
    view.setInt32(4 * n, value);
  });
  view.setInt16(28, 1);
  const column = (n: number): number[] => [affine[n]!, affine[n + 4]!, affine[n + 8]!];
  const center = column(3).map((origin, row) =>
    sizes.reduce((sum, size, axis) => sum + (affine[4 * row + axis]! * size) / 2, origin),
  );
  [1, 1, 1, ...column(0), ...column(1), ...column(2), ...center].forEach((value, n) => {
    view.setFloat32(30 + 4 * n, value);
  });
  // I is fastest on disk, then J, K and the frames.
  const [c, i, j, k] = tensor.shape;
  const voxels = new (tensor.data.constructor as Float32ArrayConstructor)(tensor.size);
  let n = 0;
  for (let frame = 0; frame < c; frame++)
    for (let z = 0; z < k; z++)
      for (let y = 0; y < j; y++)
        for (let x = 0; x < i; x++) voxels[n++] = tensor.at(frame, x, y, z) as number;
  if (voxels.BYTES_PER_ELEMENT > 1) swapBytes(voxels);
  const footer = new DataView(new ArrayBuffer(20));
  FOOTER.forEach((value, place) => {
    footer.setFloat32(4 * place, value);
  });
  return new Uint8Array([
    ...new Uint8Array(view.buffer),
    ...bytesOf(voxels),
    ...new Uint8Array(footer.buffer),
  ]);
}
