/** The values that are shown as black and as white. */
export interface Window {
  readonly black: number;
  readonly white: number;
}

/** The value below which `percent` of the sorted values lie, between two neighbours linearly, as `numpy.percentile`. */
export function percentile(sorted: Float64Array, percent: number): number {
  const at = ((sorted.length - 1) * percent) / 100;
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}

/**
 * From the 2nd to the 98th percentile of the finite values; where these are equal (a mask, say), from the least to the
 * greatest.
 */
export function windowOf(arrays: readonly Float64Array[]): Window {
  const finite = new Float64Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let count = 0;
  for (const values of arrays) {
    for (const value of values) if (Number.isFinite(value)) finite[count++] = value;
  }
  if (count === 0) return { black: 0, white: 1 };
  const sorted = finite.subarray(0, count).sort();
  const [black, white] = [percentile(sorted, 2), percentile(sorted, 98)];
  return black < white ? { black, white } : { black: sorted[0]!, white: sorted.at(-1)! };
}

/** From 0 (black) to 255 (white); NaN is black. An image of one value is grey. */
export function applyWindow(values: Float64Array, { black, white }: Window): Float32Array {
  // Halves, because the difference of two large numbers may be infinite.
  const range = white / 2 - black / 2;
  return Float32Array.from(values, (value) => {
    if (Number.isNaN(value)) return 0;
    const share = range > 0 ? (value / 2 - black / 2) / range : value < black ? 0 : value > white ? 1 : 0.5;
    return 255 * Math.min(1, Math.max(0, share));
  });
}
