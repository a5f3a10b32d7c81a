/** Something for each of the axes C, I, J and K, from what they have: `map` would forget that there are four. */
export function mapAxes<T, U>(
  [c, i, j, k]: readonly [T, T, T, T],
  convert: (item: T, axis: number) => U,
): [U, U, U, U] {
  return [convert(c, 0), convert(i, 1), convert(j, 2), convert(k, 3)];
}
