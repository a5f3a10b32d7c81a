import type { Vector3 } from "@lazyimg/core";
import { type Plane, type Rectangle, toPlane } from "./geometry.js";

/** Which part of a plane is on the screen. Millimetres of a plane count from its left and its top. */
export class Viewport {
  /** In device pixels. */
  size: readonly [width: number, height: number] = [0, 0];
  #plane: Plane | null = null;
  #zoom = 1;
  /** Middle of the screen, in millimetres; `null` for the plane's own. */
  #centre: readonly [number, number] | null = null;

  get isEmpty(): boolean {
    return this.size[0] === 0 || this.size[1] === 0 || this.#plane === null;
  }

  /** @returns whether the size is another one */
  resize(width: number, height: number): boolean {
    const isOther = width !== this.size[0] || height !== this.size[1];
    this.size = [width, height];
    return isOther;
  }

  /** Shows a plane; zoomed in, a crosshair that leaves the screen takes it along. */
  show(plane: Plane, zoom: number, crosshair: Vector3): void {
    this.#plane = plane;
    this.#zoom = zoom;
    if (zoom <= 1) this.#centre = null;
    else if (!this.isEmpty) {
      const [x, y] = toPlane(plane, crosshair);
      const { left, top, right, bottom } = this.seen;
      if (x < left || x > right || y < top || y > bottom)
        this.#centre = [x * plane.spacing[0], y * plane.spacing[1]];
    }
  }

  /** The whole plane, whichever it will be. */
  reset(): void {
    this.#centre = null;
  }

  /** Device pixels of a millimetre. */
  get scale(): number {
    return this.#scaleAt(this.#zoom);
  }

  /** Millimetres in the middle of the screen. */
  get middle(): readonly [x: number, y: number] {
    const { width, height, spacing } = this.#plane!;
    return this.#centre ?? [(width * spacing[0]) / 2, (height * spacing[1]) / 2];
  }

  /** What is on the screen, in voxels of the plane. */
  get seen(): Rectangle {
    const ratio = window.devicePixelRatio;
    const [left, top] = this.placeAt(0, 0);
    const [right, bottom] = this.placeAt(this.size[0] / ratio, this.size[1] / ratio);
    return { left, top, right, bottom };
  }

  /** The place in the plane, in voxels, of one on the screen, in CSS pixels. */
  placeAt(x: number, y: number): [x: number, y: number] {
    const [scale, middle, ratio] = [this.scale, this.middle, window.devicePixelRatio];
    const along = (css: number, n: 0 | 1): number =>
      (middle[n] + (css * ratio - this.size[n] / 2) / scale) / this.#plane!.spacing[n];
    return [along(x, 0), along(y, 1)];
  }

  /** The device pixel of a place in the plane, in voxels. */
  pixelAt([px, py]: readonly [number, number]): [x: number, y: number] {
    const [scale, middle, { spacing }] = [this.scale, this.middle, this.#plane!];
    return [
      Math.round(this.size[0] / 2 + (px * spacing[0] - middle[0]) * scale),
      Math.round(this.size[1] / 2 + (py * spacing[1] - middle[1]) * scale),
    ];
  }

  /** Moves what is seen, by CSS pixels. */
  pan(dx: number, dy: number): void {
    const perPixel = window.devicePixelRatio / this.scale;
    const [x, y] = this.middle;
    this.#centre = [x - dx * perPixel, y - dy * perPixel];
  }

  /** Prepares for another zoom, at which a place of the plane, in voxels, stays where it is on the screen. */
  keep([x, y]: readonly [number, number], zoom: number): void {
    const [mx, my] = this.middle;
    const { spacing } = this.#plane!;
    const closer = this.scale / this.#scaleAt(zoom);
    const [px, py] = [x * spacing[0], y * spacing[1]];
    this.#centre = [px + (mx - px) * closer, py + (my - py) * closer];
  }

  #scaleAt(zoom: number): number {
    const { width, height, spacing } = this.#plane!;
    return zoom * Math.min(this.size[0] / (width * spacing[0]), this.size[1] / (height * spacing[1]));
  }
}
