import { type Affine, multiplyAffines, type Range4D, type Vector3 } from "@lazyimg/core";

/** The world position of a voxel (fractional ones too): `affine * [i, j, k, 1]`. */
export function applyAffine(affine: Affine, [i, j, k]: Vector3): [number, number, number] {
  const row = (n: number) => affine[n]! * i + affine[n + 1]! * j + affine[n + 2]! * k + affine[n + 3]!;
  return [row(0), row(4), row(8)];
}

/** The affine of a region: its first voxel is the new origin, and a step scales (a negative one flips) its column. */
export function cropAffine(affine: Affine, [, i, j, k]: Range4D): Affine {
  const region = [i.step, 0, 0, i.start, 0, j.step, 0, j.start, 0, 0, k.step, k.start, 0, 0, 0, 1];
  return multiplyAffines(affine, region);
}
