import type { Vector3 } from "@lazyimg/core";
import { type Convention, type Plane, type PlaneName, planesOf } from "./geometry.js";
import type { ImageInfo } from "./protocol.js";
import type { Window } from "./window.js";

/** What all planes show. */
export interface Scene {
  readonly info: ImageInfo;
  /** Voxel of the finest level. */
  readonly crosshair: Vector3;
  /** `null`: the channels are colours. */
  readonly channel: number | null;
  /** `null` until something was read. */
  readonly window: Window | null;
  /** What the window comes from: one of `presetsOf`. */
  readonly preset: string;
  readonly convention: Convention;
  readonly overlay: ImageInfo | null;
  readonly opacity: number;
  /** 1 where a plane just fits. */
  readonly zoom: number;
}

/** The planes through the middle of an image. */
export function sceneOf(info: ImageInfo, convention: Convention): Scene {
  return {
    info,
    crosshair: middleOf(info),
    channel: info.isColour ? null : 0,
    window: null,
    preset: "auto",
    convention,
    overlay: null,
    opacity: 0.5,
    zoom: 1,
  };
}

/** Voxels of the finest level along its axes I, J and K. */
export function sizesOf({ levels }: ImageInfo): Vector3 {
  const [, i, j, k] = levels[0]!.shape;
  return [i, j, k];
}

export function middleOf(info: ImageInfo): Vector3 {
  const [i, j, k] = sizesOf(info);
  return [i >> 1, j >> 1, k >> 1];
}

/** The nearest voxel that the image has. */
export function clipped(info: ImageInfo, voxel: Vector3): Vector3 {
  const sizes = sizesOf(info);
  const clip = (n: 0 | 1 | 2): number => Math.min(sizes[n] - 1, Math.max(0, Math.round(voxel[n])));
  return [clip(0), clip(1), clip(2)];
}

function planesIn({ info, convention }: Scene): Plane[] {
  const { affine, shape } = info.levels[0]!;
  return planesOf(affine, shape, convention);
}

export function planeNamed(scene: Scene, name: PlaneName): Plane {
  return planesIn(scene).find((plane) => plane.name === name)!;
}

/** The plane that lies across a voxel axis. */
export function planeAcross(scene: Scene, axis: number): PlaneName {
  return planesIn(scene).find(({ across }) => across === axis)!.name;
}

/** The plane that takes the fewest bytes. */
export function cheapestPlane(scene: Scene): PlaneName {
  const { costs } = scene.info;
  return planesIn(scene).reduce((best, plane) => (costs[plane.across]! < costs[best.across]! ? plane : best))
    .name;
}
