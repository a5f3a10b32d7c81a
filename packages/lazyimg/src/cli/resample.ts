/** For each place of the result the first source place that counts, and the weights of those from there on. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

/** Linear interpolation; where the result is smaller, the mean over a triangle as wide as two of its places. */
function tapsOf(from: number, to: number): Taps[] {
  const scale = from / to;
  const reach = Math.max(1, scale);
  return Array.from({ length: to }, (_, n) => {
    const centre = (n + 0.5) * scale - 0.5;
    const first = Math.max(0, Math.ceil(centre - reach));
    const last = Math.min(from - 1, Math.floor(centre + reach));
    const raw: number[] = [];
    for (let at = first; at <= last; at++) raw.push(Math.max(0, 1 - Math.abs(at - centre) / reach));
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { first, weights: raw.map((weight) => weight / sum) };
  });
}

/** An image of `width` x `height` values, row by row, at another size. */
export function resample(
  values: Float32Array,
  [width, height]: readonly [number, number],
  [newWidth, newHeight]: readonly [number, number],
): Float32Array {
  const wide = new Float32Array(newWidth * height);
  for (const [x, { first, weights }] of tapsOf(width, newWidth).entries()) {
    for (let y = 0; y < height; y++) {
      let sum = 0;
      for (let n = 0; n < weights.length; n++) sum += weights[n]! * values[y * width + first + n]!;
      wide[y * newWidth + x] = sum;
    }
  }
  const result = new Float32Array(newWidth * newHeight);
  for (const [y, { first, weights }] of tapsOf(height, newHeight).entries()) {
    for (let x = 0; x < newWidth; x++) {
      let sum = 0;
      for (let n = 0; n < weights.length; n++) sum += weights[n]! * wide[(first + n) * newWidth + x]!;
      result[y * newWidth + x] = sum;
    }
  }
  return result;
}
