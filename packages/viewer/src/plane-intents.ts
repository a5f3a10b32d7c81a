import type { Vector3 } from "@lazyimg/core";
import { type Plane, toPlane, toVoxel } from "./geometry.js";
import type { Intents, Tool } from "./interaction.js";
import { type Scene, sizesOf } from "./scene.js";
import type { Viewport } from "./viewport.js";

/** What a plane asks of the viewer around it. */
export interface PlaneHost {
  readonly tool: Tool;
  moveTo(crosshair: Vector3): void;
  dragWindow(dx: number, dy: number): void;
  setZoom(zoom: number): void;
  reset(): void;
}

/** What a plane shows at the moment. */
export interface Shown {
  readonly plane: Plane;
  readonly scene: Scene;
}

/** Zoomed in no further than this. */
const MOST_ZOOM = 64;

/**
 * What is done to a plane, as what the viewer is to do.
 *
 * @param shown `null` while there is nothing to do anything to
 * @param panned called when another part of the plane is to be seen
 */
export function intentsOf(
  shown: () => Shown | null,
  viewport: Viewport,
  host: PlaneHost,
  panned: () => void,
): Intents {
  const withShown =
    <A extends readonly unknown[]>(act: (shown: Shown, ...args: A) => void) =>
    (...args: A): void => {
      const now = shown();
      if (now !== null) act(now, ...args);
    };
  const moveAcross = ({ plane: { across }, scene }: Shown, to: number): void => {
    const crosshair: [number, number, number] = [...scene.crosshair];
    crosshair[across] = Math.min(sizesOf(scene.info)[across]! - 1, Math.max(0, to));
    host.moveTo(crosshair);
  };
  const moveInside = ({ plane, scene }: Shown, place: readonly [number, number]): void =>
    host.moveTo(toVoxel(plane, place, scene.crosshair[plane.across]!));
  return {
    scroll: withShown((now, steps: number) =>
      moveAcross(now, now.scene.crosshair[now.plane.across]! + steps),
    ),
    scrollTo: withShown((now, end: "first" | "last") =>
      moveAcross(now, end === "first" ? 0 : Number.POSITIVE_INFINITY),
    ),
    place: withShown((now, x: number, y: number) => moveInside(now, viewport.placeAt(x, y))),
    nudge: withShown((now, columns: number, rows: number) => {
      const [x, y] = toPlane(now.plane, now.scene.crosshair);
      moveInside(now, [x + columns, y + rows]);
    }),
    window: (dx, dy) => host.dragWindow(dx, dy),
    pan: withShown(({ scene }, dx: number, dy: number) => {
      if (scene.zoom <= 1) return;
      viewport.pan(dx, dy);
      panned();
    }),
    zoom: withShown(({ plane, scene }, factor: number, place?: readonly [x: number, y: number]) => {
      const zoom = Math.min(MOST_ZOOM, Math.max(1, scene.zoom * factor));
      viewport.keep(place ? viewport.placeAt(...place) : toPlane(plane, scene.crosshair), zoom);
      host.setZoom(zoom);
    }),
    reset: () => host.reset(),
  };
}
