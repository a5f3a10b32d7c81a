// Which voxels are read, `[c, i, j, k]` as contestants/region.mjs has them, of a shape (C, I, J, K) at a place from 0 to 1.

/** Where something of this extent begins, at a place between 0 and 1 of where it may lie. */
const at = (place, size, extent = 1) => Math.floor(place * (size - extent + 1) * 0.9999);
const span = (place, size) => {
  const start = at(place, size, 64);
  return [start, start + 64, 1];
};
const all = () => [null, null, null, null];
/** Regions of a shape, at a place. */
export const regions = {
  axial:
    ([, , , k]) =>
    (place) => [0, null, null, at(place, k)],
  coronal:
    ([, , j]) =>
    (place) => [0, null, at(place, j), null],
  sagittal:
    ([, i]) =>
    (place) => [0, at(place, i), null, null],
  block:
    ([, i, j, k]) =>
    (place) => [0, span(place, i), span(1 - place, j), span(place, k)],
  /** In one layer of chunks of 64. */
  layer:
    ([, , , k]) =>
    (place) => [0, null, null, Math.floor(k / 128) * 64 + at(place, 64)],
  /** One chunk of 64 x 64 x 64. */
  chunk:
    ([, ...sizes]) =>
    (place) => [
      0,
      ...sizes.map((size) => at(place, Math.floor(size / 64)) * 64).map((from) => [from, from + 64, 1]),
    ],
  everything: () => all,
  strided:
    ([, i, j, k]) =>
    () => [0, [0, i, 4], [0, j, 4], [0, k, 4]],
  voxel:
    ([, i, j, k]) =>
    (place) => [null, at(place, i), at(1 - place, j), at(place, k)],
  volume:
    ([c]) =>
    (place) => [at(place, c), null, null, null],
};
