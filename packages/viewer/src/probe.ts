import type { Vector3 } from "@lazyimg/core";
import type { ImageClient } from "./client.js";
import { apply, voxelsTo } from "./geometry.js";
import type { VoxelValue } from "./protocol.js";
import { type Scene, sizesOf } from "./scene.js";

/** What is under the crosshair: detail of the event `crosshairchange`. */
export interface CrosshairDetail {
  /** Indices of the finest level. */
  readonly voxel: Vector3;
  /** RAS+ millimetres. */
  readonly world: Vector3;
  /** One for each channel that is shown. */
  readonly value: readonly VoxelValue[];
  /** Of the overlay at the same place in the world; `null` without one, or outside of it. */
  readonly label: VoxelValue | null;
}

/** Reads what is under the crosshair; the newest place counts. */
export class Probe {
  #reading = new AbortController();

  /** @returns `null` when another place was asked for meanwhile */
  async read(scene: Scene, base: ImageClient, overlay: ImageClient | null): Promise<CrosshairDetail | null> {
    this.stop();
    const { signal } = this.#reading;
    const { crosshair: voxel, channel, info } = scene;
    try {
      const [value, label] = await Promise.all([
        base.value(voxel, channel, { signal }),
        labelAt(scene, overlay, signal),
      ]);
      return { voxel, world: apply(info.levels[0]!.affine, voxel), value, label };
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  }

  stop(): void {
    this.#reading.abort();
    this.#reading = new AbortController();
  }
}

async function labelAt(
  { info, crosshair }: Scene,
  overlay: ImageClient | null,
  signal: AbortSignal,
): Promise<VoxelValue | null> {
  if (overlay === null) return null;
  const [i, j, k] = apply(voxelsTo(info.levels[0]!.affine, overlay.info.levels[0]!.affine)!, crosshair);
  const place: Vector3 = [Math.round(i), Math.round(j), Math.round(k)];
  const sizes = sizesOf(overlay.info);
  const isInside = place.every((at, axis) => at >= 0 && at < sizes[axis]!);
  return isInside ? (await overlay.value(place, 0, { signal }))[0]! : null;
}
