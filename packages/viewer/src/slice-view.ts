import { DTYPES } from "@lazyimg/core";
import type { ImageClient } from "./client.js";
import { formatBytes } from "./format.js";
import type { Plane, PlaneName } from "./geometry.js";
import { listen } from "./interaction.js";
import { PlaneCanvas } from "./plane-canvas.js";
import { intentsOf, type PlaneHost, type Shown } from "./plane-intents.js";
import { type Picture, PlaneLoader, type PlaneWish } from "./plane-loader.js";
import type { Effort } from "./protocol.js";
import { planeNamed, type Scene, sizesOf } from "./scene.js";
import { Viewport } from "./viewport.js";
import { overlayWish, planeWishes, type Sight } from "./wishes.js";

/** Bytes of planes that are read ahead, and the most slices. */
const AHEAD_BYTES = 8 * 2 ** 20;
const AHEAD = 8;

/** One of the three planes: what is read for it, and what is told of it. */
export class SliceView {
  readonly element: HTMLElement;
  readonly name: PlaneName;
  readonly #viewport = new Viewport();
  readonly #canvas: PlaneCanvas;
  readonly #note: HTMLElement;
  readonly #told: (view: SliceView) => void;
  #shown: Shown | null = null;
  #base: PlaneLoader | null = null;
  #overlay: PlaneLoader | null = null;
  #slice = -1;
  #direction = 1;
  #effort: Effort = "unasked";
  #frame = 0;

  /**
   * @param element has a canvas, a `.note`, and letters with `data-edge`
   * @param changed called when there is a picture, or something else to tell
   */
  constructor(name: PlaneName, element: HTMLElement, host: PlaneHost, changed: (view: SliceView) => void) {
    this.name = name;
    this.element = element;
    this.#told = changed;
    this.#canvas = new PlaneCanvas(element.querySelector("canvas")!, this.#viewport);
    this.#note = element.querySelector(".note")!;
    const panned = (): void => {
      this.#want();
      this.#schedule();
    };
    listen(
      element,
      () => host.tool,
      intentsOf(() => this.#shown, this.#viewport, host, panned),
    );
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
    this.#canvas.forget("base");
    this.#viewport.reset();
    this.#slice = -1;
    if (client === null) {
      this.#shown = null;
      this.#draw();
    }
  }

  setOverlay(client: ImageClient | null): void {
    this.#overlay?.close();
    this.#overlay = client && new PlaneLoader(client, () => this.#changed());
    this.#canvas.forget("overlay");
  }

  /** Shows `scene`, and reads what that takes. */
  update(scene: Scene): void {
    const plane = planeNamed(scene, this.name);
    this.#shown = { plane, scene };
    const slice = scene.crosshair[plane.across]!;
    if (this.#slice >= 0 && slice !== this.#slice) this.#direction = slice > this.#slice ? 1 : -1;
    if (slice !== this.#slice) this.#effort = "unasked";
    this.#slice = slice;
    this.#viewport.show(plane, scene.zoom, scene.crosshair);
    this.#describe(this.#shown);
    this.#want();
    this.#schedule();
  }

  /** Reads what may be looked at next. */
  prefetch(): void {
    if (this.#base === null || this.#shown === null) return;
    const { plane, scene } = this.#shown;
    const { info, channel } = scene;
    const { width, height } = this.#base.picture?.plane ?? { width: 1, height: 1 };
    const bytes = width * height * DTYPES[info.valueDtype].itemSize;
    const count = Math.min(AHEAD, Math.max(1, Math.floor(AHEAD_BYTES / bytes)));
    const size = sizesOf(info)[plane.across]!;
    const wishes: PlaneWish[] = [];
    for (let n = 1; n <= count; n++) {
      const slice = this.#slice + n * this.#direction;
      if (slice < 0 || slice >= size) break;
      wishes.push(planeWishes(info, channel, { ...this.#sight(plane), slice, effort: "unasked" }).fine);
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

  #sight(plane: Plane): Sight {
    const { seen, scale } = this.#viewport;
    return { plane, slice: this.#slice, seen, pixel: 1 / scale, effort: this.#effort };
  }

  #wishes(): { fine: PlaneWish; coarse: PlaneWish | null; overlay: PlaneWish | null } | null {
    if (this.#shown === null || this.#viewport.isEmpty) return null;
    const { plane, scene } = this.#shown;
    const { info, channel, overlay } = scene;
    const sight = this.#sight(plane);
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
    this.element.ariaBusy = String(waiting.kind === "reading" || waiting.kind === "refining");
    const note = this.#note;
    note.replaceChildren();
    if (waiting.kind === "reading" || waiting.kind === "refining") {
      const { bytes = 0, totalBytes = 0 } = waiting.progress ?? {};
      const share = totalBytes > 0 ? ` ${Math.floor((100 * bytes) / totalBytes)} %` : "";
      const word = waiting.kind === "refining" ? "Refining" : "Reading";
      // What takes no time is not worth a flicker.
      if (waiting.progress !== null || this.picture === null) note.append(`${word}…${share}`);
    } else if (waiting.kind === "costly") {
      const button = document.createElement("button");
      button.textContent = `Read this plane: ${formatBytes(waiting.bytes)}`;
      button.addEventListener("click", () => {
        this.#effort = "all";
        this.#base!.again(this.#wishes()!.fine);
      });
      note.append(button);
    } else if (waiting.kind === "failed") note.append("Not read");
    this.#schedule();
    this.#told(this);
  }

  /** What a slider tells of itself, and the letters at the edges. */
  #describe({ plane, scene }: Shown): void {
    const { element } = this;
    const size = sizesOf(scene.info)[plane.across]!;
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
    if (!this.#viewport.resize(Math.round(clientWidth * ratio), Math.round(clientHeight * ratio))) return;
    this.#canvas.resize();
    if (this.#base !== null) this.#want();
    this.#draw();
  }

  #schedule(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#canvas.draw(
      this.#shown && {
        ...this.#shown,
        base: this.picture,
        overlay: this.#overlay?.picture ?? null,
      },
    );
  }
}
