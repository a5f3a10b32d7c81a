import {
  type Affine,
  allocate,
  createAffine,
  DTYPES,
  type DType,
  type Shape4D,
  sizeOf,
  Tensor,
} from "@lazyimg/core";

/** What `volume` makes. */
export interface Volume<D extends DType = DType> {
  readonly tensor: Tensor<D>;
  readonly affine: Affine;
}

/** Oblique, anisotropic, away from the origin and left-handed: no mistake with it goes unseen. */
const OBLIQUE: Affine = /* @__PURE__ */ Object.freeze([
  -1.875, 0.125, 0.25, 91.5, 0.25, 2.25, -0.375, -118.25, 0.0625, 0.5, 3.125, -69.75, 0, 0, 0, 1,
]);

const LEAST_64 = -(2n ** 63n) + 12_345n;

/**
 * The value of element `n`: all different as long as the type has that many values, over its whole range, and exact in
 * it. The first voxels of a small unsigned integer are far apart, so that neighbours are never alike.
 */
function write(dtype: DType, data: Tensor["data"], n: number): void {
  const { kind, itemSize } = DTYPES[dtype];
  const target = data as { [n: number]: number | bigint };
  if (dtype === "int64" || dtype === "uint64") target[n] = LEAST_64 + BigInt(n) * 0x9e37_79b9_7f4a_7c15n;
  else if (kind === "c") {
    target[2 * n] = n / 2 - 3.25;
    target[2 * n + 1] = -n - 0.5;
  } else if (kind === "f") target[n] = n / 4 - 12.5;
  // An odd factor visits every value before it repeats one; what is added then keeps rounds apart.
  else if (itemSize === 1) target[n] = n * 89 + 7 * (n >> 8);
  else if (itemSize === 2) target[n] = n * 24_973 + 7 * (n >> 16);
  else target[n] = Math.imul(n, 0x9e37_79b1) + 1;
}

/**
 * A generated image in C order: distinct, known values and an affine without symmetries.
 *
 * @param options `shape`: (C, I, J, K); `affine`: oblique, anisotropic and left-handed by default
 */
export function volume<D extends DType>({
  dtype,
  shape,
  affine = OBLIQUE,
}: {
  readonly dtype: D;
  readonly shape: Shape4D;
  readonly affine?: Affine;
}): Volume<D> {
  const data = allocate(dtype, sizeOf(shape));
  for (let n = 0; n < sizeOf(shape); n++) write(dtype, data, n);
  return { tensor: new Tensor({ data, dtype, shape }), affine: createAffine(affine) };
}
