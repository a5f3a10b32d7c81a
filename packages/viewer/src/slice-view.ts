import { DTYPES, type Vector3 } from "@lazyimg/core";
import type { ImageClient } from "./client.js";
import { formatBytes } from "./format.js";
import {
  type Convention,
  type Plane,
  type PlaneName,
  planesOf,
  type Rectangle,
  toPlane,
  toVoxel,
} from "./geometry.js";
import { type Intents, listen, type Tool } from "./interaction.js";
import { type Look, paint } from "./paint.js";
import { type Picture, PlaneLoader, type PlaneWish } from "./plane-loader.js";
import type { ImageInfo } from "./protocol.js";
import type { Window } from "./window.js";
import { overlayWish, planeWishes, type Sight } from "./wishes.js";

/** What all planes show. */
export interface Scene {
  readonly info: ImageInfo;
  /** Voxel of the finest level. */
  readonly crosshair: Vector3;
  /** `null`: the channels are colours. */
  readonly channel: number | null;
  /** `null` until something was read. */
  readonly window: Window | null;
  readonly convention: Convention;
  readonly overlay: ImageInfo | null;
  readonly opacity: number;
  /** 1 where a plane just fits. */
  readonly zoom: number;
}

/** What a plane asks of the viewer around it. */
export interface SliceHost {
  readonly tool: Tool;
  moveTo(crosshair: Vector3): void;
  dragWindow(dx: number, dy: number): void;
  setZoom(zoom: number): void;
  reset(): void;
  /** There is a picture, or something else to tell. */
  changed(view: SliceView): void;
}

/** Bytes of planes that are read ahead, and the most slices. */
const AHEAD_BYTES = 8 * 2 ** 20;
const AHEAD = 8;
/** Voxels larger than this on the screen, in device pixels, are shown as they are. */
const CRISP = 12;
/** Zoomed in no further than this. */
const MOST_ZOOM = 64;

const CROSSHAIR = "rgb(86 204 255 / 0.85)";
/** The crosshair leaves this much free around its middle, in CSS pixels. */
const GAP = 7;
/** And this much for the letters at the edges. */
const EDGE = 22;

/** What one layer has drawn. */
interface Drawn {
  readonly canvas: HTMLCanvasElement;
  picture: Picture | null;
  look: string;
}
const nothingDrawn = (): Drawn => ({ canvas: document.createElement("canvas"), picture: null, look: "" });

/** One of the three planes: its canvas, what is read for it, and what is done to it. */
export class SliceView {
  readonly element: HTMLElement;
  readonly name: PlaneName;
  readonly #host: SliceHost;
  readonly #canvas: HTMLCanvasElement;
  readonly #note: HTMLElement;
  #scene: Scene | null = null;
  #plane: Plane | null = null;
  #base: PlaneLoader | null = null;
  #overlay: PlaneLoader | null = null;
  #drawn = { base: nothingDrawn(), overlay: nothingDrawn() };
  /** Middle of the screen, in millimetres from the plane's left and top; `null` for the plane's own. */
  #centre: readonly [number, number] | null = null;
  /** Size in device pixels. */
  #size: readonly [number, number] = [0, 0];
  #slice = -1;
  #direction = 1;
  #eager = false;
  #frame = 0;

  /** @param element has a canvas, a `.note`, and letters with `data-edge` */
  constructor(name: PlaneName, element: HTMLElement, host: SliceHost) {
    this.name = name;
    this.element = element;
    this.#host = host;
    this.#canvas = element.querySelector("canvas")!;
    this.#note = element.querySelector(".note")!;
    listen(element, () => host.tool, this.#intents());
    new ResizeObserver(() => this.#resize()).observe(element);
  }

  /** Whether what is to be seen is shown. */
  get isCurrent(): boolean {
    return (this.#base?.isCurrent ?? true) && (this.#overlay?.isCurrent ?? true);
  }

  /** Whether something is on its way. */
  get isReading(): boolean {
    return [this.#base, this.#overlay].some((loader) => loader?.waiting.kind === "reading");
  }

  /** What is shown of the image itself. */
  get picture(): Picture | null {
    return this.#base?.picture ?? null;
  }

  /** The errors that reading met. */
  get errors(): unknown[] {
    return [this.#base, this.#overlay].flatMap((loader) =>
      loader?.waiting.kind === "failed" ? [loader.waiting.error] : [],
    );
  }

  /** Number of requests that were aborted. */
  get aborted(): number {
    return (this.#base?.aborted ?? 0) + (this.#overlay?.aborted ?? 0);
  }

  /** Shows another image, or none. */
  setBase(client: ImageClient | null): void {
    this.#base?.close();
    this.#base = client && new PlaneLoader(client, () => this.#changed());
    this.#drawn.base = nothingDrawn();
    this.#centre = null;
    this.#slice = -1;
    this.#eager = false;
    if (client === null) {
      this.#scene = null;
      this.#plane = null;
      this.#draw();
    }
  }

  setOverlay(client: ImageClient | null): void {
    this.#overlay?.close();
    this.#overlay = client && new PlaneLoader(client, () => this.#changed());
    this.#drawn.overlay = nothingDrawn();
  }

  /** Shows `scene`, and reads what that takes. */
  update(scene: Scene): void {
    this.#scene = scene;
    const { levels } = scene.info;
    const { affine, shape } = levels[0]!;
    this.#plane = planesOf(affine, shape, scene.convention).find(({ name }) => name === this.name)!;
    const slice = scene.crosshair[this.#plane.across]!;
    if (this.#slice >= 0 && slice !== this.#slice) this.#direction = slice > this.#slice ? 1 : -1;
    this.#slice = slice;
    this.#keepInSight();
    this.#describe();
    this.#want();
    this.#schedule();
  }

  /** Reads what may be looked at next. */
  prefetch(): void {
    if (this.#base === null || this.#scene === null || this.#plane === null) return;
    const { info, channel } = this.#scene;
    const { width, height } = this.#base.picture?.plane ?? { width: 1, height: 1 };
    const bytes = width * height * DTYPES[info.valueDtype].itemSize;
    const count = Math.min(AHEAD, Math.max(1, Math.floor(AHEAD_BYTES / bytes)));
    const size = info.levels[0]!.shape[this.#plane.across + 1]!;
    const wishes: PlaneWish[] = [];
    for (let n = 1; n <= count; n++) {
      const slice = this.#slice + n * this.#direction;
      if (slice < 0 || slice >= size) break;
      wishes.push(planeWishes(info, channel, { ...this.#sight(), slice, eager: false }).fine);
    }
    void this.#base.prefetch(wishes);
  }

  /** Reads again what failed. */
  again(): void {
    const wishes = this.#wishes();
    if (wishes === null) return;
    if (this.#base?.waiting.kind === "failed") this.#base.again(wishes.fine);
    if (this.#overlay?.waiting.kind === "failed" && wishes.overlay) this.#overlay.again(wishes.overlay);
  }

  close(): void {
    this.setBase(null);
    this.setOverlay(null);
  }

  #wishes(): { fine: PlaneWish; coarse: PlaneWish | null; overlay: PlaneWish | null } | null {
    if (this.#scene === null || this.#size[0] === 0) return null;
    const { info, channel, overlay } = this.#scene;
    const sight = this.#sight();
    return { ...planeWishes(info, channel, sight), overlay: overlay && overlayWish(overlay, info, sight) };
  }

  #want(): void {
    const wishes = this.#wishes();
    if (wishes === null) return;
    this.#base?.want(wishes.fine, wishes.coarse);
    if (wishes.overlay !== null) this.#overlay?.want(wishes.overlay);
  }

  #changed(): void {
    const waiting = this.#base!.waiting;
    this.element.ariaBusy = String(waiting.kind === "reading");
    const note = this.#note;
    note.replaceChildren();
    if (waiting.kind === "reading") {
      const { bytes = 0, totalBytes = 0 } = waiting.progress ?? {};
      const share = totalBytes > 0 ? ` ${Math.floor((100 * bytes) / totalBytes)} %` : "";
      // What takes no time is not worth a flicker.
      if (waiting.progress !== null || this.picture === null) note.append(`Reading…${share}`);
    } else if (waiting.kind === "costly") {
      const button = document.createElement("button");
      button.textContent = `Read this plane: ${formatBytes(waiting.bytes)}`;
      button.addEventListener("click", () => {
        this.#eager = true;
        this.#base!.again(this.#wishes()!.fine);
      });
      note.append(button);
    } else if (waiting.kind === "failed") note.append("Not read");
    this.#schedule();
    this.#host.changed(this);
  }

  /** What a slider tells of itself, and the letters at the edges. */
  #describe(): void {
    const { element } = this;
    const plane = this.#plane!;
    const size = this.#scene!.info.levels[0]!.shape[plane.across + 1]!;
    element.ariaValueMin = "1";
    element.ariaValueMax = String(size);
    element.ariaValueNow = String(this.#slice + 1);
    element.ariaValueText = `slice ${this.#slice + 1} of ${size}`;
    element.querySelector(".slice")!.textContent = `${this.#slice + 1} / ${size}`;
    for (const edge of element.querySelectorAll<HTMLElement>("[data-edge]"))
      edge.textContent = plane.edges[edge.dataset.edge as keyof Plane["edges"]];
  }

  #resize(): void {
    const { clientWidth, clientHeight } = this.element;
    const ratio = window.devicePixelRatio;
    const size = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)] as const;
    if (size.every((pixels, n) => pixels === this.#size[n])) return;
    this.#size = size;
    [this.#canvas.width, this.#canvas.height] = size;
    if (this.#scene !== null && this.#base !== null) this.#want();
    this.#draw();
  }

  /** Device pixels of a millimetre. */
  #scale(zoom: number = this.#scene!.zoom): number {
    const { width, height, spacing } = this.#plane!;
    return zoom * Math.min(this.#size[0] / (width * spacing[0]), this.#size[1] / (height * spacing[1]));
  }

  #middle(): readonly [number, number] {
    const { width, height, spacing } = this.#plane!;
    return this.#centre ?? [(width * spacing[0]) / 2, (height * spacing[1]) / 2];
  }

  /** The place in the plane, in voxels, of one on the screen, in CSS pixels. */
  #placeAt(x: number, y: number): [number, number] {
    const [scale, middle, ratio] = [this.#scale(), this.#middle(), window.devicePixelRatio];
    const along = (css: number, n: 0 | 1): number =>
      (middle[n] + (css * ratio - this.#size[n] / 2) / scale) / this.#plane!.spacing[n];
    return [along(x, 0), along(y, 1)];
  }

  #sight(): Sight {
    const ratio = window.devicePixelRatio;
    const [left, top] = this.#placeAt(0, 0);
    const [right, bottom] = this.#placeAt(this.#size[0] / ratio, this.#size[1] / ratio);
    const seen: Rectangle = { left, top, right, bottom };
    return { plane: this.#plane!, slice: this.#slice, seen, pixel: 1 / this.#scale(), eager: this.#eager };
  }

  /** Zoomed in, a crosshair that leaves the screen takes it along. */
  #keepInSight(): void {
    if (this.#scene!.zoom <= 1 || this.#size[0] === 0) {
      if (this.#scene!.zoom <= 1) this.#centre = null;
      return;
    }
    const plane = this.#plane!;
    const [x, y] = toPlane(plane, this.#scene!.crosshair);
    const { seen } = this.#sight();
    if (x < seen.left || x > seen.right || y < seen.top || y > seen.bottom)
      this.#centre = [x * plane.spacing[0], y * plane.spacing[1]];
  }

  #schedule(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const context = this.#canvas.getContext("2d")!;
    const [width, height] = this.#size;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, height);
    if (this.#scene === null || this.#base === null || width === 0) return;
    const { window: greys, channel, opacity, overlay } = this.#scene;
    const scale = this.#scale();
    const [x, y] = this.#middle();
    const [sx, sy] = this.#plane!.spacing;
    context.setTransform(scale * sx, 0, 0, scale * sy, width / 2 - x * scale, height / 2 - y * scale);
    const look: Look | null =
      channel === null ? { kind: "colours" } : greys && { kind: "greys", window: greys };
    if (look !== null) {
      context.imageSmoothingEnabled = scale * Math.min(sx, sy) < CRISP;
      context.imageSmoothingQuality = "medium";
      this.#drawLayer(context, this.#base.picture, this.#drawn.base, look);
    }
    if (overlay !== null && this.#overlay !== null) {
      context.imageSmoothingEnabled = false;
      context.globalAlpha = opacity;
      this.#drawLayer(context, this.#overlay.picture, this.#drawn.overlay, { kind: "labels" });
      context.globalAlpha = 1;
    }
    this.#drawCrosshair(context, scale);
  }

  #drawLayer(context: CanvasRenderingContext2D, picture: Picture | null, drawn: Drawn, look: Look): void {
    if (picture === null) return;
    const described = JSON.stringify(look);
    if (drawn.picture !== picture || drawn.look !== described) {
      paint(picture.plane, look, drawn.canvas);
      drawn.picture = picture;
      drawn.look = described;
    }
    const { left, top, right, bottom } = picture.rectangle;
    context.drawImage(drawn.canvas, left, top, right - left, bottom - top);
  }

  #drawCrosshair(context: CanvasRenderingContext2D, scale: number): void {
    const [width, height] = this.#size;
    const [px, py] = toPlane(this.#plane!, this.#scene!.crosshair);
    const [mx, my] = this.#middle();
    const [sx, sy] = this.#plane!.spacing;
    const x = Math.round(width / 2 + (px * sx - mx) * scale);
    const y = Math.round(height / 2 + (py * sy - my) * scale);
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

  #intents(): Intents {
    const host = this.#host;
    /** Nothing is done to a plane that shows nothing. */
    const shown =
      <A extends readonly unknown[]>(act: (plane: Plane, scene: Scene, ...args: A) => void) =>
      (...args: A): void => {
        if (this.#plane !== null && this.#scene !== null) act(this.#plane, this.#scene, ...args);
      };
    const moveAlong = (axis: number, scene: Scene, to: number): void => {
      const size = scene.info.levels[0]!.shape[axis + 1]!;
      const crosshair = [...scene.crosshair] as [number, number, number];
      crosshair[axis] = Math.min(size - 1, Math.max(0, to));
      host.moveTo(crosshair);
    };
    return {
      scroll: shown((plane, scene, steps: number) =>
        moveAlong(plane.across, scene, scene.crosshair[plane.across]! + steps),
      ),
      scrollTo: shown((plane, scene, end: "first" | "last") =>
        moveAlong(plane.across, scene, end === "first" ? 0 : Number.POSITIVE_INFINITY),
      ),
      place: shown((plane, _, x: number, y: number) =>
        host.moveTo(toVoxel(plane, this.#placeAt(x, y), this.#slice)),
      ),
      nudge: shown((plane, scene, columns: number, rows: number) => {
        const [x, y] = toPlane(plane, scene.crosshair);
        host.moveTo(toVoxel(plane, [x + columns, y + rows], this.#slice));
      }),
      window: (dx, dy) => host.dragWindow(dx, dy),
      pan: shown((_, scene, dx: number, dy: number) => {
        if (scene.zoom <= 1) return;
        const perPixel = window.devicePixelRatio / this.#scale();
        const [x, y] = this.#middle();
        this.#centre = [x - dx * perPixel, y - dy * perPixel];
        this.#want();
        this.#schedule();
      }),
      zoom: shown((plane, scene, factor: number, place?: readonly [x: number, y: number]) => {
        const zoom = Math.min(MOST_ZOOM, Math.max(1, scene.zoom * factor));
        // Stays where it is on the screen.
        const [x, y] = place ? this.#placeAt(...place) : toPlane(plane, scene.crosshair);
        const [mx, my] = this.#middle();
        const closer = this.#scale() / this.#scale(zoom);
        const [px, py] = [x * plane.spacing[0], y * plane.spacing[1]];
        this.#centre = [px + (mx - px) * closer, py + (my - py) * closer];
        host.setZoom(zoom);
      }),
      reset: () => host.reset(),
    };
  }
}
