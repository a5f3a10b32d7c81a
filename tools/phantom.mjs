// Writes the sample volume, examples/phantom.nii.gz: a head after Shepp and Logan, in three dimensions, as a scanner might
// deliver it: anisotropic int16 voxels, slices that are tilted in the world, axes toward the left, the back and the top.
// A capsule lies beside the patient's right temple, as is done to tell the sides apart.
//
//     node tools/phantom.mjs [destination]     (after the packages are built)
import { writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { encodeNiftiHeader } from "../packages/nifti-header/dist/index.js";

const SHAPE = [128, 150, 64];
const SPACING = [1.5, 1.5, 2.75];

/** Ellipsoids in a frame of the head: right, front and top are positive, millimetres; values add up. */
const ELLIPSOIDS = [
  // centre, half axes, rotation about the vertical axis in degrees, value
  [[0, 0, 0], [72, 95, 80], 0, 820], // skull
  [[0, -1.5, -1], [67, 90, 75], 0, -420], // brain
  [[0, 28, 4], [22, 26, 30], 0, 90], // a bright nucleus in front
  [[20, -3, 3], [9.5, 27, 24], -18, -210], // ventricles
  [[-21, -3, 3], [12, 32, 28], 18, -210],
  [[0, -48, -26], [32, 19, 20], 0, 130], // cerebellum
  [[-30, 40, 18], [8, 8, 8], 0, 240], // a lesion on the left
  [[-8, -60, 22], [3.5, 2.5, 6], 0, 260],
  [[0, -60, 22], [2.5, 2.5, 6], 0, 260],
  [[7, -60, 22], [2.5, 4.5, 6], 0, 260],
  [[81, 12, 0], [4.5, 4.5, 9], 0, 900], // the capsule, right
];

const DEGREES = Math.PI / 180;

/** Voxel to world: axes toward L, P and S, tilted by 9 degrees about the ear-to-ear axis and 4 about the vertical one. */
function affineOf() {
  const [a, b] = [9 * DEGREES, 4 * DEGREES];
  const tilt = [
    [Math.cos(b), -Math.sin(b) * Math.cos(a), Math.sin(b) * Math.sin(a)],
    [Math.sin(b), Math.cos(b) * Math.cos(a), -Math.cos(b) * Math.sin(a)],
    [0, Math.sin(a), Math.cos(a)],
  ];
  const steps = [-SPACING[0], -SPACING[1], SPACING[2]];
  const rows = tilt.map((row) => row.map((value, axis) => value * steps[axis]));
  const centre = SHAPE.map((size) => (size - 1) / 2);
  // The middle of the volume lies 12 mm behind and 18 mm above the world's origin.
  const middle = [0, -12, 18];
  const origin = rows.map(
    (row, n) => middle[n] - row.reduce((sum, value, axis) => sum + value * centre[axis], 0),
  );
  return [...rows.flatMap((row, n) => [...row, origin[n]]), 0, 0, 0, 1];
}

const AFFINE = affineOf();

/** How much of a voxel lies inside: 1 well inside, 0 well outside, between these over a voxel's width. */
function insideOf([centre, half, degrees], [x, y, z]) {
  const [dx, dy, dz] = [x - centre[0], y - centre[1], z - centre[2]];
  const [cos, sin] = [Math.cos(degrees * DEGREES), Math.sin(degrees * DEGREES)];
  const scaled = [(cos * dx + sin * dy) / half[0], (cos * dy - sin * dx) / half[1], dz / half[2]];
  const radius = Math.hypot(...scaled);
  if (radius === 0) return 1;
  // The distance to the surface along the ray from the centre.
  const distance = Math.hypot(dx, dy, dz) * (1 / radius - 1);
  return Math.min(1, Math.max(0, distance / SPACING[0] + 0.5));
}

/** The voxels, I fastest. */
export function phantomVoxels() {
  const [ni, nj, nk] = SHAPE;
  const voxels = new Int16Array(ni * nj * nk);
  for (let k = 0, at = 0; k < nk; k++) {
    for (let j = 0; j < nj; j++) {
      for (let i = 0; i < ni; i++, at++) {
        const head = [
          -(i - (ni - 1) / 2) * SPACING[0],
          -(j - (nj - 1) / 2) * SPACING[1],
          (k - (nk - 1) / 2) * SPACING[2],
        ];
        let value = 0;
        for (const ellipsoid of ELLIPSOIDS) value += ellipsoid[3] * insideOf(ellipsoid, head);
        voxels[at] = Math.round(value);
      }
    }
  }
  return voxels;
}

/** The whole file, not compressed. */
export function phantomFile() {
  const header = encodeNiftiHeader({
    shape: [1, ...SHAPE],
    dtype: "int16",
    affine: AFFINE,
    qformCode: 1,
    sformCode: 1,
    units: { space: "mm", time: "sec" },
    calMin: 0,
    calMax: 700,
    description: "Shepp-Logan head, 3D, after lazyimg tools/phantom.mjs",
  });
  const voxels = phantomVoxels();
  const file = new Uint8Array(header.length + voxels.byteLength);
  file.set(header);
  const view = new DataView(file.buffer, header.length);
  for (const [n, value] of voxels.entries()) view.setInt16(2 * n, value, true);
  return file;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const destination =
    process.argv[2] ?? fileURLToPath(new URL("../examples/phantom.nii.gz", import.meta.url));
  writeFileSync(destination, gzipSync(phantomFile(), { level: 9 }));
}
