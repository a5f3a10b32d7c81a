import {
  type Affine,
  invertAffine,
  multiplyAffines,
  type Shape4D,
  spacingOf,
  type Vector3,
} from "@lazyimg/core";
import { orientationOf } from "@lazyimg/image";
import type { Level } from "./protocol.js";

/** On which side of the screen the patient's right is: on the left, or on the right. */
export type Convention = "radiological" | "neurological";
export type PlaneName = "axial" | "coronal" | "sagittal";

/** Letters at the edges of a plane: toward which side of the body they lie. */
export interface Edges {
  readonly left: string;
  readonly right: string;
  readonly top: string;
  readonly bottom: string;
}

/** An axis of the screen: the voxel axis (0, 1, 2) that it shows, and whether that runs the other way. */
export interface ScreenAxis {
  readonly axis: number;
  readonly flip: boolean;
}

/** How a plane of voxels lies on the screen. Positions in it count voxels from the left and from the top. */
export interface Plane {
  readonly name: PlaneName;
  /** The voxel axis that it lies across: scrolling moves along it. */
  readonly across: number;
  readonly x: ScreenAxis;
  readonly y: ScreenAxis;
  readonly width: number;
  readonly height: number;
  /** Millimetres between columns and between rows. */
  readonly spacing: readonly [x: number, y: number];
  readonly edges: Edges;
}

/** Toward which sides right and down run on the screen. */
const DIRECTIONS: Readonly<Record<PlaneName, Readonly<Record<Convention, readonly [x: string, y: string]>>>> =
  {
    axial: { radiological: ["L", "P"], neurological: ["R", "P"] },
    coronal: { radiological: ["L", "I"], neurological: ["R", "I"] },
    sagittal: { radiological: ["P", "I"], neurological: ["P", "I"] },
  };
const OPPOSITE: Readonly<Record<string, string>> = { R: "L", L: "R", A: "P", P: "A", S: "I", I: "S" };

/** As nibabel's `aff2axcodes`; "RAS" where the affine is singular, so that there is something to look at. */
export function orientation(affine: Affine): string {
  try {
    return orientationOf(affine);
  } catch {
    return "RAS";
  }
}

/**
 * The three orthogonal planes of an image, along its own voxel axes. Of an oblique image each axis counts for the side
 * that it is nearest to: nothing is resampled.
 */
export function planesOf(affine: Affine, shape: Shape4D, convention: Convention): Plane[] {
  const codes = [...orientation(affine)];
  const spacing = spacingOf(affine).map((mm) => mm || 1);
  const toward = (side: string): ScreenAxis => {
    const axis = codes.findIndex((code) => code === side || code === OPPOSITE[side]);
    return { axis, flip: codes[axis] !== side };
  };
  return (Object.keys(DIRECTIONS) as PlaneName[]).map((name) => {
    const [right, bottom] = DIRECTIONS[name][convention];
    const [x, y] = [toward(right), toward(bottom)];
    return {
      name,
      x,
      y,
      across: 3 - x.axis - y.axis,
      width: shape[x.axis + 1]!,
      height: shape[y.axis + 1]!,
      spacing: [spacing[x.axis]!, spacing[y.axis]!],
      edges: { left: OPPOSITE[right]!, right, top: OPPOSITE[bottom]!, bottom },
    };
  });
}

/** The largest angle, in degrees, between a voxel axis and the world axis that it is nearest to. */
export function obliqueness(affine: Affine): number {
  const angles = spacingOf(affine).map((length, axis) => {
    const nearest = Math.max(...[0, 4, 8].map((row) => Math.abs(affine[row + axis]!)));
    return length > 0 ? Math.acos(Math.min(1, nearest / length)) : 0;
  });
  return (Math.max(...angles) * 180) / Math.PI;
}

/** Where a voxel's centre lies in a plane: the middle of the first voxel is at (0.5, 0.5). */
export function toPlane(plane: Plane, voxel: Vector3): [x: number, y: number] {
  const along = ({ axis, flip }: ScreenAxis, size: number) =>
    (flip ? size - 1 - voxel[axis]! : voxel[axis]!) + 0.5;
  return [along(plane.x, plane.width), along(plane.y, plane.height)];
}

/** The voxel at a place in a plane, which is clipped to the image. */
export function toVoxel(plane: Plane, [x, y]: readonly [number, number], slice: number): Vector3 {
  const voxel: [number, number, number] = [slice, slice, slice];
  const along = ({ axis, flip }: ScreenAxis, place: number, size: number): void => {
    const at = Math.min(size - 1, Math.max(0, Math.floor(place)));
    voxel[axis] = flip ? size - 1 - at : at;
  };
  along(plane.x, x, plane.width);
  along(plane.y, y, plane.height);
  return voxel;
}

/** A rectangle in a plane: voxels of the finest level from the left and the top, fractional ones too. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A grid of points over part of a plane, and where it lies in it. */
export interface PlaneGrid {
  readonly width: number;
  readonly height: number;
  /** Takes (x, y, 1) to a voxel of the finest level; three rows of three. */
  readonly toVoxel: readonly number[];
  /** What the points cover. */
  readonly rectangle: Rectangle;
}

/** A grid whose points lie `pitch` voxels apart and cover `part` of the plane. */
export function gridOver(
  plane: Plane,
  part: Rectangle,
  pitch: readonly [x: number, y: number],
  slice: number,
): PlaneGrid {
  const width = Math.max(1, Math.round((part.right - part.left) / pitch[0]));
  const height = Math.max(1, Math.round((part.bottom - part.top) / pitch[1]));
  const matrix = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  const fill = ({ axis, flip }: ScreenAxis, column: 0 | 1, start: number, size: number): void => {
    // Voxel v covers the places from v to v + 1.
    const first = start + pitch[column] / 2 - 0.5;
    matrix[3 * axis + column] = flip ? -pitch[column] : pitch[column];
    matrix[3 * axis + 2] = flip ? size - 1 - first : first;
  };
  fill(plane.x, 0, part.left, plane.width);
  fill(plane.y, 1, part.top, plane.height);
  matrix[3 * plane.across + 2] = slice;
  const rectangle = {
    left: part.left,
    top: part.top,
    right: part.left + width * pitch[0],
    bottom: part.top + height * pitch[1],
  };
  return { width, height, toVoxel: matrix, rectangle };
}

/** Planes up to this many voxels are read whole; of larger ones the parts that are seen, in blocks. */
const WHOLE = 2 ** 17;
const BLOCK = 256;

/**
 * The part of a plane that is to be read of a level, in whole voxels of that level, and how large these are.
 *
 * @param toLevel takes voxels of the finest level to those of this one
 */
export function partOf(
  plane: Plane,
  level: Level,
  toLevel: Affine,
  seen: Rectangle,
): { part: Rectangle; pitch: [number, number] } {
  const sizes = [plane.x, plane.y].map(({ axis }) => level.shape[axis + 1]!);
  const isWhole = sizes[0]! * sizes[1]! <= WHOLE;
  const along = ({ axis, flip }: ScreenAxis, count: number, size: number, low: number, high: number) => {
    const scale = toLevel[5 * axis]!;
    const pitch = 1 / scale;
    // Voxel m of the level covers the places from edge(m) to edge(m + 1), counted along the voxel axis.
    const edge = (m: number): number => (m - 0.5 - toLevel[4 * axis + 3]!) * pitch + 0.5;
    const voxel = (place: number): number => (place - 0.5) * scale + toLevel[4 * axis + 3]! + 0.5;
    const [from, to] = flip ? [size - high, size - low] : [low, high];
    const first = isWhole ? 0 : Math.max(0, Math.floor(voxel(from) / BLOCK) * BLOCK);
    const last = isWhole ? count : Math.min(count, Math.ceil(voxel(to) / BLOCK) * BLOCK);
    const [a, b] = [edge(first), edge(Math.max(first + 1, last))];
    return flip ? { low: size - b, high: size - a, pitch } : { low: a, high: b, pitch };
  };
  const x = along(plane.x, sizes[0]!, plane.width, seen.left, seen.right);
  const y = along(plane.y, sizes[1]!, plane.height, seen.top, seen.bottom);
  return {
    part: { left: x.low, right: x.high, top: y.low, bottom: y.high },
    pitch: [x.pitch, y.pitch],
  };
}

/** `toVoxel` of a grid, for the voxels of another image or level: `affine` takes the one's voxels to the other's. */
export function through(affine: Affine, matrix: readonly number[]): number[] {
  return matrix.map((_, n) => {
    const [row, column] = [4 * Math.floor(n / 3), n % 3];
    const sum = [0, 1, 2].reduce((total, m) => total + affine[row + m]! * matrix[3 * m + column]!, 0);
    return sum + (column === 2 ? affine[row + 3]! : 0);
  });
}

/** Takes voxels of one image to those of another through the world; `null` where that is not possible. */
export function voxelsTo(from: Affine, to: Affine): Affine | null {
  try {
    return multiplyAffines(invertAffine(to), from);
  } catch {
    return null;
  }
}

/** The same, of a point. */
export function apply(affine: Affine, [i, j, k]: Vector3): [number, number, number] {
  const row = (n: number): number =>
    affine[n]! * i + affine[n + 1]! * j + affine[n + 2]! * k + affine[n + 3]!;
  return [row(0), row(4), row(8)];
}

/** Whether the axes of two grids of voxels are parallel, so that a plane of the one is a plane of the other. */
export function isAligned(affine: Affine): boolean {
  const largest = Math.max(...affine.map(Math.abs));
  return [0, 1, 2].every((row) => {
    const entries = [0, 1, 2].map((column) => Math.abs(affine[4 * row + column]!));
    return entries.filter((entry) => entry > 1e-6 * largest).length <= 1;
  });
}

/**
 * The coarsest level whose voxels are no larger than a pixel of the screen; where none is, the finest.
 *
 * @param pixel millimetres
 */
export function levelFor(levels: readonly Level[], plane: Plane, pixel: number): number {
  let chosen = 0;
  for (const [n, { affine }] of levels.entries()) {
    const spacing = spacingOf(affine);
    if (Math.max(spacing[plane.x.axis]!, spacing[plane.y.axis]!) <= pixel) chosen = n;
  }
  return chosen;
}
