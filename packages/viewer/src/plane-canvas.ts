import { type Plane, toPlane } from "./geometry.js";
import { type Look, paint } from "./paint.js";
import type { Picture } from "./plane-loader.js";
import type { Scene } from "./scene.js";
import type { Viewport } from "./viewport.js";

/** Voxels larger than this on the screen, in device pixels, are shown as they are. */
const CRISP = 12;
const CROSSHAIR = "rgb(86 204 255 / 0.85)";
/** The crosshair leaves this much free around its middle, in CSS pixels. */
const GAP = 7;
/** And this much for the letters at the edges. */
const EDGE = 22;

/** A picture in its colours, painted once. */
class Layer {
  readonly #canvas = document.createElement("canvas");
  #picture: Picture | null = null;
  #look = "";

  draw(context: CanvasRenderingContext2D, picture: Picture, look: Look): void {
    const described = JSON.stringify(look);
    if (this.#picture !== picture || this.#look !== described) {
      paint(picture.plane, look, this.#canvas);
      this.#picture = picture;
      this.#look = described;
    }
    const { left, top, right, bottom } = picture.rectangle;
    context.drawImage(this.#canvas, left, top, right - left, bottom - top);
  }
}

/** What is to be drawn of a plane. */
export interface PlanePictures {
  readonly plane: Plane;
  readonly scene: Scene;
  readonly base: Picture | null;
  readonly overlay: Picture | null;
}

/** Draws one plane: its picture, labels over it, and the crosshair. */
export class PlaneCanvas {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #viewport: Viewport;
  #base = new Layer();
  #overlay = new Layer();

  constructor(canvas: HTMLCanvasElement, viewport: Viewport) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d")!;
    this.#viewport = viewport;
  }

  resize(): void {
    [this.#canvas.width, this.#canvas.height] = this.#viewport.size;
  }

  /** Lets go of what was painted. */
  forget(layer: "base" | "overlay"): void {
    if (layer === "base") this.#base = new Layer();
    else this.#overlay = new Layer();
  }

  /** @param pictures `null` for nothing but black */
  draw(pictures: PlanePictures | null): void {
    const context = this.#context;
    const [width, height] = this.#viewport.size;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, height);
    if (pictures === null || this.#viewport.isEmpty) return;
    const { plane, scene, base, overlay } = pictures;
    const { scale, middle } = this.#viewport;
    const [sx, sy] = plane.spacing;
    const [x, y] = middle;
    context.setTransform(scale * sx, 0, 0, scale * sy, width / 2 - x * scale, height / 2 - y * scale);
    const look: Look | null =
      scene.channel === null ? { kind: "colours" } : scene.window && { kind: "greys", window: scene.window };
    if (look !== null && base !== null) {
      context.imageSmoothingEnabled = scale * Math.min(sx, sy) < CRISP;
      context.imageSmoothingQuality = "medium";
      this.#base.draw(context, base, look);
    }
    if (scene.overlay !== null && overlay !== null) {
      context.imageSmoothingEnabled = false;
      context.globalAlpha = scene.opacity;
      this.#overlay.draw(context, overlay, { kind: "labels" });
      context.globalAlpha = 1;
    }
    this.#drawCrosshair(this.#viewport.pixelAt(toPlane(plane, scene.crosshair)));
  }

  #drawCrosshair([x, y]: readonly [number, number]): void {
    const context = this.#context;
    const [width, height] = this.#viewport.size;
    const ratio = Math.max(1, Math.round(window.devicePixelRatio));
    const [gap, edge] = [GAP * ratio, EDGE * ratio];
    const from = -Math.floor(ratio / 2);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = CROSSHAIR;
    context.fillRect(x + from, edge, ratio, Math.max(0, y - gap - edge));
    context.fillRect(x + from, y + gap, ratio, Math.max(0, height - edge - y - gap));
    context.fillRect(edge, y + from, Math.max(0, x - gap - edge), ratio);
    context.fillRect(x + gap, y + from, Math.max(0, width - edge - x - gap), ratio);
  }
}
