import { type Affine, spacingOf, type Vector3 } from "@lazyimg/core";

const cross = ([a, b, c]: Vector3, [x, y, z]: Vector3): Vector3 => [
  b * z - c * y,
  c * x - a * z,
  a * y - b * x,
];
const dot = ([a, b, c]: Vector3, [x, y, z]: Vector3): number => a * x + b * y + c * z;

/** The qform that comes closest to an affine. */
export interface ClosestQform {
  /** `quatern_b`, `quatern_c`, `quatern_d`. */
  readonly quaternion: readonly [b: number, c: number, d: number];
  /** `pixdim[0]`. */
  readonly qfac: 1 | -1;
}

/**
 * The quaternion of the rotation that is closest to `affine` without its spacing, as nibabel's `set_qform`: shears are
 * lost. Null when the affine is singular.
 */
export function closestQform(affine: Affine): ClosestQform | null {
  const spacing = spacingOf(affine);
  const columnOf = (n: number, length: number): Vector3 => [
    affine[n]! / length,
    affine[n + 4]! / length,
    affine[n + 8]! / length,
  ];
  let x = columnOf(0, spacing[0]);
  let y = columnOf(1, spacing[1]);
  let z = columnOf(2, spacing[2]);
  const qfac = dot(x, cross(y, z)) < 0 ? -1 : 1;
  z = columnOf(2, spacing[2] * qfac);
  // Polar decomposition by Newton's iteration: the mean with the inverse transpose, which halves what is far too long
  // or short and then converges in a few steps.
  for (let step = 0; step < 64; step++) {
    const [yz, zx, xy] = [cross(y, z), cross(z, x), cross(x, y)];
    const determinant = dot(x, yz);
    if (!(determinant > 0)) return null;
    const toward = (column: Vector3, cofactor: Vector3): Vector3 => [
      (column[0] + cofactor[0] / determinant) / 2,
      (column[1] + cofactor[1] / determinant) / 2,
      (column[2] + cofactor[2] / determinant) / 2,
    ];
    [x, y, z] = [toward(x, yz), toward(y, zx), toward(z, xy)];
  }
  const [a, d, g] = x;
  const [b, e, h] = y;
  const [c, f, i] = z;
  // Four times the outer product of the quaternion (w, x, y, z) with itself: its longest row is the most exact.
  const rows = [
    [1 + a + e + i, h - f, c - g, d - b],
    [h - f, 1 + a - e - i, b + d, c + g],
    [c - g, b + d, 1 - a + e - i, f + h],
    [d - b, c + g, f + h, 1 - a - e + i],
  ];
  const longest = rows.reduce((best, row, n) => (row[n]! > rows[best]![best]! ? n : best), 0);
  const row = rows[longest]!;
  const length = Math.hypot(...row) * (row[0]! < 0 ? -1 : 1);
  return { quaternion: [row[1]! / length, row[2]! / length, row[3]! / length], qfac };
}
