// Regions as the peers that know none are given them: `[c, i, j, k]` of whole numbers, `[start, stop, step]` and null.

/** First position, number of positions and step along each axis. */
export const rangesOf = (index, shape) =>
  index.map((item, axis) => {
    if (typeof item === "number") return { start: item, size: 1, step: 1 };
    const [start, stop, step] = item ?? [0, shape[axis], 1];
    return { start, size: Math.ceil((stop - start) / (step ?? 1)), step: step ?? 1 };
  });

/** Cuts a region out of all voxels of a NIfTI image, channels last, into memory of its own; I goes fastest. */
export function cut(all, shape, index) {
  const [c, i, j, k] = rangesOf(index, shape);
  const [, is, js, ks] = shape;
  if (c.size * i.size * j.size * k.size === all.length) return all;
  const result = new all.constructor(c.size * i.size * j.size * k.size);
  let at = 0;
  for (let t = 0; t < c.size; t++)
    for (let z = 0; z < k.size; z++)
      for (let y = 0; y < j.size; y++) {
        const row =
          (((c.start + t * c.step) * ks + k.start + z * k.step) * js + j.start + y * j.step) * is + i.start;
        if (i.step === 1) {
          result.set(all.subarray(row, row + i.size), at);
          at += i.size;
        } else for (let x = 0; x < i.size; x++) result[at++] = all[row + x * i.step];
      }
  return result;
}
