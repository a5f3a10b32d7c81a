import type { Affine, ImageDataBackend, Index, Tensor } from "@lazyimg/core";
import { LazyImageError } from "@lazyimg/core";

/** Voxels along I, J, K. */
export type Triple = readonly [i: number, j: number, k: number];

/** A box of an image, with what is around it, for a function that is called for each. */
export interface Region {
  /** First voxel of the box along I, J, K. */
  readonly start: Triple;
  /** Voxel behind its last. */
  readonly stop: Triple;
  /** Where `tensor` begins in the image: the box and its halo, as far as the image goes. */
  readonly origin: Triple;
  /** (C, I, J, K): the voxels from `origin` on, scaled as `image.read()` gives them. */
  readonly tensor: Tensor;
  /** Voxel of `tensor` to world, RAS+ millimetres. */
  readonly affine: Affine;
}

/** A function over a region; `options` are those of the caller. */
export type RegionFunction<T> = (
  region: Region,
  options: unknown,
  context: { readonly signal?: AbortSignal | undefined },
) => T | Promise<T>;

/** How an image is divided. */
export interface Division {
  /** Voxels of a box along I, J, K. */
  readonly size: Triple;
  /** Voxels around it along I, J, K. */
  readonly halo: Triple;
}

function tripleOf(value: number | Triple, name: string, least: number): Triple {
  const sizes = typeof value === "number" ? [value, value, value] : [...value];
  if (
    sizes.length === 3 &&
    sizes.every((size) => Number.isInteger(size) && size >= least && size <= 65_536)
  ) {
    return sizes as [number, number, number];
  }
  throw new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    `${name} is ${JSON.stringify(value)}; use one or three whole numbers from ${least} to 65536`,
  );
}

/** @throws LazyImageError `ERR_INVALID_ARGUMENT` */
export function divisionOf(size: number | Triple, halo: number | Triple = 0): Division {
  return { size: tripleOf(size, "size", 1), halo: tripleOf(halo, "halo", 0) };
}

type Shaped = Pick<ImageDataBackend, "shape">;

const countsOf = ({ shape }: Shaped, { size }: Division): Triple =>
  [0, 1, 2].map((axis) => Math.ceil(shape[axis + 1]! / size[axis]!)) as [number, number, number];

/** How many boxes an image is divided into. */
export const regionCount = (image: Shaped, division: Division): number =>
  countsOf(image, division).reduce((product, count) => product * count, 1);

/** Where box `n` is, counted along I, then J, then K. */
export function boxOf(image: Shaped, division: Division, n: number): Pick<Region, "start" | "stop"> {
  const [ci, cj] = countsOf(image, division);
  const at = [n % ci, Math.floor(n / ci) % cj, Math.floor(n / (ci * cj))];
  const start = at.map((place, axis) => place * division.size[axis]!) as [number, number, number];
  const stop = start.map((from, axis) => Math.min(from + division.size[axis]!, image.shape[axis + 1]!));
  return { start, stop: stop as [number, number, number] };
}

/** Reads box `n` and its halo. */
export async function readRegion(
  image: ImageDataBackend,
  division: Division,
  n: number,
  signal: AbortSignal | undefined,
): Promise<Region> {
  if (n >= regionCount(image, division)) {
    throw new LazyImageError(
      "ERR_INDEX",
      `There is no region ${n}: the image has ${regionCount(image, division)}`,
    );
  }
  const { start, stop } = boxOf(image, division, n);
  const { halo } = division;
  const origin = start.map((from, axis) => Math.max(0, from - halo[axis]!)) as [number, number, number];
  const index: Index = [
    null,
    ...origin.map((from, axis) => ({
      start: from,
      stop: Math.min(stop[axis]! + halo[axis]!, image.shape[axis + 1]!),
      step: null,
    })),
  ];
  const tensor = await image.read(index, { signal });
  const { affine: whole } = image;
  const affine = whole.map((value, at) =>
    at % 4 === 3 && at < 12
      ? value + origin.reduce((sum, from, axis) => sum + from * whole[at - 3 + axis]!, 0)
      : value,
  );
  return { start, stop, origin, tensor, affine: Object.freeze(affine) };
}
