import type { Vector3 } from "@lazyimg/core";
import type { ImageClient } from "./client.js";
import type { Convention, PlaneName } from "./geometry.js";
import type { Tool } from "./interaction.js";
import { cheapestPlane, middleOf, planeAcross, type Scene, sceneOf } from "./scene.js";
import { SliceView } from "./slice-view.js";
import { dragWindow, windowOf } from "./window.js";
import { usableLevels } from "./wishes.js";

/** What the planes tell the viewer around them, and ask of it. */
export interface PlanesHost {
  /** What dragging does. */
  readonly tool: Tool;
  /** Something else is to be shown. */
  sceneChanged(scene: Scene): void;
  /** What is under the crosshair may be read. */
  crosshairMoved(): void;
  /** Something was read, or could not be: the errors that a plane met. */
  planesChanged(errors: readonly unknown[]): void;
}

/** The three planes: what they show together, and which of them reads when. */
export class Planes {
  readonly #views: readonly SliceView[];
  readonly #host: PlanesHost;
  #scene: Scene | null = null;
  /** Those that may read: at first the one that takes least. */
  #reading: ReadonlySet<SliceView> = new Set();
  /** The one that was moved through last. */
  #moved: SliceView | null = null;
  #abortedBefore = 0;

  constructor(elements: Iterable<HTMLElement>, host: PlanesHost) {
    this.#host = host;
    const planeHost = {
      get tool() {
        return host.tool;
      },
      moveTo: (crosshair: Vector3) => this.moveTo(crosshair),
      dragWindow: (dx: number, dy: number) => {
        const { window } = this.#scene ?? {};
        if (window) this.change({ window: dragWindow(window, dx, dy), preset: "custom" });
      },
      setZoom: (zoom: number) => this.change({ zoom }),
      reset: () => this.reset(),
    };
    this.#views = [...elements].map(
      (element) =>
        new SliceView(element.dataset.plane as PlaneName, element, planeHost, (view) => this.#changed(view)),
    );
  }

  get scene(): Scene | null {
    return this.#scene;
  }

  /** Whether the first plane was read, or failed, so that all of them read. */
  get areReading(): boolean {
    return this.#reading.size === this.#views.length;
  }

  /** Whether they show what they are to show. */
  get areCurrent(): boolean {
    return this.#scene !== null && this.areReading && this.#views.every((view) => view.isCurrent);
  }

  /** Whether nothing is on its way, and nothing failed. */
  get areWell(): boolean {
    return this.#views.every(({ isReading, errors }) => !isReading && errors.length === 0);
  }

  /** Number of reads that were aborted, since the page was loaded. */
  get aborted(): number {
    return this.#views.reduce((sum, { aborted }) => sum + aborted, this.#abortedBefore);
  }

  /** Shows the planes through the middle of an image. */
  open(client: ImageClient, convention: Convention): void {
    const scene = sceneOf({ ...client.info, levels: usableLevels(client.info) }, convention);
    const first = cheapestPlane(scene);
    for (const view of this.#views) view.setBase(client);
    this.#reading = new Set(this.#views.filter(({ name }) => name === first));
    this.#moved = null;
    this.#scene = scene;
    this.#update();
  }

  /** Lays another image over the one that is shown, or none. */
  setOverlay(client: ImageClient | null): void {
    this.#abortedBefore = this.aborted;
    for (const view of this.#views) view.setOverlay(client);
    this.change({ overlay: client?.info ?? null });
  }

  close(): void {
    this.#abortedBefore = this.aborted;
    for (const view of this.#views) view.close();
    this.#scene = null;
  }

  change(change: Partial<Scene>): void {
    if (this.#scene === null) return;
    this.#scene = { ...this.#scene, ...change };
    this.#update();
  }

  moveTo(crosshair: Vector3): void {
    if (this.#scene === null) return;
    const before = this.#scene.crosshair;
    const axis = crosshair.findIndex((place, n) => place !== before[n]);
    if (axis >= 0) {
      const name = planeAcross(this.#scene, axis);
      this.#moved = this.#views.find((view) => view.name === name)!;
    }
    this.change({ crosshair });
    this.#host.crosshairMoved();
  }

  /** Another volume of a series. */
  setChannel(channel: number): void {
    this.change({ channel });
    this.#host.crosshairMoved();
  }

  /** @param preset one of `presetsOf` */
  setPreset(preset: string): void {
    if (this.#scene === null) return;
    const { picture } = this.#views.find((view) => view.picture !== null) ?? {};
    const { info, window } = this.#scene;
    this.change({ preset, window: preset === "custom" ? window : windowOf(preset, info, picture?.plane) });
  }

  /** Whole planes, the crosshair in the middle, and the automatic window. */
  reset(): void {
    if (this.#scene === null) return;
    this.setPreset("auto");
    this.change({ zoom: 1 });
    this.moveTo(middleOf(this.#scene.info));
  }

  /** Reads again what failed. */
  again(): void {
    for (const view of this.#views) view.again();
    this.#host.crosshairMoved();
  }

  #update(): void {
    if (this.#scene === null) return;
    for (const view of this.#reading) view.update(this.#scene);
    this.#host.sceneChanged(this.#scene);
  }

  /** A plane has something new. */
  #changed(view: SliceView): void {
    if (this.#scene === null) return;
    const { window, preset, channel } = this.#scene;
    if (view.picture !== null && window === null && channel !== null) this.setPreset(preset);
    if (!view.isReading && !this.areReading) {
      this.#reading = new Set(this.#views);
      this.#update();
      this.#host.crosshairMoved();
    }
    if (this.areWell) (this.#moved ?? view).prefetch();
    this.#host.planesChanged(view.errors);
  }
}
