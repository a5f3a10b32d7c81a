import { type Affine, IDENTITY, spacingOf } from "@lazyimg/core";
import {
  gridOver,
  isAligned,
  levelFor,
  type Plane,
  partOf,
  type Rectangle,
  through,
  voxelsTo,
} from "./geometry.js";
import type { PlaneWish } from "./plane-loader.js";
import type { Effort, ImageInfo } from "./protocol.js";

/** What is looked at. */
export interface Sight {
  readonly plane: Plane;
  readonly slice: number;
  /** The part of the plane on the screen. */
  readonly seen: Rectangle;
  /** Millimetres of a pixel of the screen. */
  readonly pixel: number;
  readonly effort: Effort;
}

/** Points of an overlay's plane, at most. */
const MOST_POINTS = 2 ** 22;

/** Points along a pixel of the screen, at least where there are voxels for them. */
const POINTS = 2;

/** Takes voxels of the finest level to those of level `n`. */
function toLevel({ levels }: ImageInfo, n: number): Affine | null {
  return n === 0 ? IDENTITY : voxelsTo(levels[0]!.affine, levels[n]!.affine);
}

/** The levels that can stand for the finest: those whose axes run along its own. */
export function usableLevels(info: ImageInfo): ImageInfo["levels"] {
  const usable = info.levels.every((_, n) => {
    const affine = toLevel(info, n);
    return affine !== null && [0, 5, 10].every((at) => affine[at]! > 0) && isAligned(affine);
  });
  return usable ? info.levels : info.levels.slice(0, 1);
}

/** The plane of a level. */
function atLevel(
  info: ImageInfo,
  level: number,
  channel: number | null,
  { plane, slice, seen, pixel, effort }: Sight,
): PlaneWish {
  const affine = toLevel(info, level)!;
  const { part, pitch } = partOf(plane, info.levels[level]!, affine, seen);
  // No more than two points for each pixel of the screen, or the largest planes would take long to draw.
  const sparse = (n: 0 | 1): number =>
    pitch[n] * Math.max(1, Math.floor(pixel / (POINTS * pitch[n] * plane.spacing[n])));
  const [dx, dy] = [sparse(0), sparse(1)];
  const { width, height, toVoxel, rectangle } = gridOver(plane, part, [dx, dy], slice);
  const matrix = through(affine, toVoxel);
  const size = info.levels[level]!.shape[plane.across + 1]!;
  const index = Math.min(size - 1, Math.max(0, Math.round(matrix[3 * plane.across + 2]!)));
  matrix[3 * plane.across + 2] = index;
  return {
    key: [
      level,
      channel,
      plane.across,
      index,
      plane.x.flip,
      plane.y.flip,
      dx,
      dy,
      effort,
      ...Object.values(part),
    ].join(" "),
    request: { level, width, height, toVoxel: matrix, across: plane.across, channel, effort },
    rectangle,
  };
}

/** The plane of an image as fine as the screen can show it, and a coarse one where that is quicker to have. */
export function planeWishes(
  info: ImageInfo,
  channel: number | null,
  sight: Sight,
): { fine: PlaneWish; coarse: PlaneWish | null } {
  const coarsest = info.levels.length - 1;
  const level = levelFor(info.levels, sight.plane, sight.pixel);
  const isSlow = coarsest === 0 && info.slow[sight.plane.across]!;
  return {
    fine: atLevel(info, level, channel, sight),
    coarse:
      isSlow || level < coarsest ? atLevel(info, coarsest, channel, { ...sight, effort: "quick" }) : null,
  };
}

/**
 * The plane of an overlay over that of another image, resampled through both affines: nearest neighbours on a grid as fine
 * as the finer of the two, or the screen. `null` where an affine is singular.
 */
export function overlayWish(overlay: ImageInfo, base: ImageInfo, sight: Sight): PlaneWish | null {
  const { plane, slice, seen, pixel, effort } = sight;
  const { part } = partOf(plane, base.levels[0]!, IDENTITY, seen);
  const [width, height] = [
    (part.right - part.left) * plane.spacing[0],
    (part.bottom - part.top) * plane.spacing[1],
  ];
  let pitch = Math.min(...spacingOf(overlay.levels[0]!.affine), ...plane.spacing);
  if (!(pitch > 0)) return null;
  while (2 * pitch <= pixel || width * height > MOST_POINTS * pitch * pitch) pitch *= 2;
  const level = overlay.levels.reduce(
    (chosen, { affine }, n) => (Math.max(...spacingOf(affine)) <= pitch ? n : chosen),
    0,
  );
  const affine = voxelsTo(base.levels[0]!.affine, overlay.levels[level]!.affine);
  if (affine === null) return null;
  const grid = gridOver(plane, part, [pitch / plane.spacing[0], pitch / plane.spacing[1]], slice);
  const toVoxel = through(affine, grid.toVoxel);
  const across = isAligned(affine)
    ? [0, 1, 2].reduce((best, axis) => {
        const along = (row: number) => Math.abs(affine[4 * row + plane.across]!);
        return along(axis) > along(best) ? axis : best;
      })
    : null;
  return {
    key: [level, grid.width, grid.height, effort, ...toVoxel].join(" "),
    request: { level, width: grid.width, height: grid.height, toVoxel, across, channel: 0, effort },
    rectangle: grid.rectangle,
  };
}
