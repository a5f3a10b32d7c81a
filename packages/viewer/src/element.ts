import { LazyImageError, spacingOf, type Vector3 } from "@lazyimg/core";
import { ImageClient } from "./client.js";
import { filesDropped, imagesIn } from "./dropped.js";
import { formatBytes, formatNumber } from "./format.js";
import {
  apply,
  type Convention,
  obliqueness,
  orientation,
  type PlaneName,
  planesOf,
  voxelsTo,
} from "./geometry.js";
import type { Tool } from "./interaction.js";
import { describeError } from "./messages.js";
import { labelColour } from "./paint.js";
import type { TrafficCounts, VoxelValue } from "./protocol.js";
import { type Scene, type SliceHost, SliceView } from "./slice-view.js";
import { type Openable, sourceOf } from "./source.js";
import { STYLE, TEMPLATE } from "./template.js";
import { autoWindow, CT_WINDOWS, dragWindow, fullWindow, type Window } from "./window.js";
import { usableLevels } from "./wishes.js";

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

/** What was read so far: of the image and its overlay. */
export interface ViewerTraffic extends TrafficCounts {
  /** Reads of planes that were aborted because another plane was wanted. */
  readonly aborted: number;
}

/** After this long at rest the crosshair is told of to screen readers, in milliseconds. */
const REST = 400;
const NO_TRAFFIC: TrafficCounts = { bytes: 0, requests: 0, total: null, cached: 0 };

// Node, where the element is never made, has no such class.
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

/**
 * `<lazy-image-viewer src="scan.nii.gz">`: three orthogonal planes of a volumetric image, of which nothing is read but what
 * is looked at.
 *
 * Attributes: `src` and `overlay`, URLs; `convention`, "radiological" (default) or "neurological".
 * Events: `load`, `error` (an `ErrorEvent`), `crosshairchange` (`detail` is a `CrosshairDetail`).
 */
export class LazyImageViewer extends Base {
  static readonly observedAttributes: readonly string[] = ["src", "overlay", "convention"];

  /** Sent with every request for the image and the overlay, such as `Authorization`; counts from the next one opened. */
  headers: Readonly<Record<string, string>> | undefined;

  readonly #root: ShadowRoot;
  readonly #views: SliceView[];
  #base: ImageClient | null = null;
  #overlay: ImageClient | null = null;
  #scene: Scene | null = null;
  #opening = { base: new AbortController(), overlay: new AbortController() };
  #last: { what: "base" | "overlay"; source: Openable } | null = null;
  #traffic = { base: NO_TRAFFIC, overlay: NO_TRAFFIC };
  #abortedBefore = 0;
  /** Planes that may be read: at first the one that takes least. */
  #reading = new Set<SliceView>();
  /** The plane that was moved through last. */
  #moved: SliceView | null = null;
  #valuing = new AbortController();
  #value: readonly VoxelValue[] = [];
  #label: VoxelValue | null = null;
  #telling: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.#root = this.attachShadow({ mode: "open" });
    this.#root.innerHTML = TEMPLATE;
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    this.#root.adoptedStyleSheets = [style];
    const host: SliceHost = {
      get tool() {
        return (root.querySelector<HTMLInputElement>("input[name=tool]:checked")?.value ??
          "crosshair") as Tool;
      },
      moveTo: (crosshair) => this.#moveTo(crosshair),
      dragWindow: (dx, dy) => {
        const { window } = this.#scene ?? {};
        if (window) this.#setWindow(dragWindow(window, dx, dy));
      },
      setZoom: (zoom) => this.#change({ zoom }),
      reset: () => this.reset(),
      changed: (view) => this.#changed(view),
    };
    const root = this.#root;
    this.#views = [...root.querySelectorAll<HTMLElement>(".plane")].map(
      (element) => new SliceView(element.dataset.plane as PlaneName, element, host),
    );
    this.#listen();
  }

  /** URL of the image. */
  get src(): string | null {
    return this.getAttribute("src");
  }

  set src(url: string | null) {
    if (url === null) this.removeAttribute("src");
    else this.setAttribute("src", url);
  }

  /** Name of the image; empty without one. */
  get name(): string {
    return this.#scene?.info.name ?? "";
  }

  get convention(): Convention {
    return this.getAttribute("convention") === "neurological" ? "neurological" : "radiological";
  }

  set convention(convention: Convention) {
    this.setAttribute("convention", convention);
  }

  /** Voxel of the finest level under the crosshair; `null` without an image. */
  get crosshair(): Vector3 | null {
    return this.#scene?.crosshair ?? null;
  }

  set crosshair(voxel: Vector3 | null) {
    if (voxel !== null && this.#scene !== null) {
      const [, ...sizes] = this.#scene.info.levels[0]!.shape;
      const clip = (n: 0 | 1 | 2): number => Math.min(sizes[n]! - 1, Math.max(0, Math.round(voxel[n])));
      this.#moveTo([clip(0), clip(1), clip(2)]);
    }
  }

  get traffic(): ViewerTraffic {
    const { base, overlay } = this.#traffic;
    return {
      bytes: base.bytes + overlay.bytes,
      requests: base.requests + overlay.requests,
      total: base.total === null ? null : base.total + (overlay.total ?? 0),
      cached: base.cached + overlay.cached,
      aborted: this.#abortedBefore + this.#views.reduce((sum, view) => sum + view.aborted, 0),
    };
  }

  /** Whether the planes show what they are to show. */
  get isCurrent(): boolean {
    return this.#scene !== null && this.#reading.size === 3 && this.#views.every((view) => view.isCurrent);
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (before === after) return;
    if (name === "convention") {
      this.#control<HTMLSelectElement>("convention").value = this.convention;
      this.#change({ convention: this.convention });
    } else if (after === null) {
      if (name === "src") this.close();
      else this.closeOverlay();
    } else void (name === "src" ? this.open(after) : this.openOverlay(after));
  }

  disconnectedCallback(): void {
    this.close();
  }

  connectedCallback(): void {
    // Moved to another place of the page.
    if (this.src !== null && this.#base === null && this.#last === null) void this.open(this.src);
  }

  /**
   * Opens an image and shows the planes through its middle. What goes wrong is shown, and told by the event `error`.
   *
   * @param source a URL, a `File`, or files with what lies beside them
   */
  async open(source: Openable): Promise<void> {
    this.close();
    const { signal } = this.#opening.base;
    await this.#tryTo("base", source, async () => {
      this.#show("status", "Opening…");
      const client = await this.#client("base", source, signal);
      this.#base = client;
      const { info } = client;
      const [, ...sizes] = info.levels[0]!.shape;
      const usable = { ...info, levels: usableLevels(info) };
      this.#scene = {
        info: usable,
        crosshair: sizes.map((size) => size >> 1) as unknown as Vector3,
        channel: info.isColour ? null : 0,
        window: null,
        convention: this.convention,
        overlay: null,
        opacity: 0.5,
        zoom: 1,
      };
      for (const view of this.#views) view.setBase(client);
      this.#reading = new Set([this.#cheapest(usable)]);
      this.#prepareControls();
      this.#update();
      this.dispatchEvent(new Event("load"));
    });
    const overlay = this.getAttribute("overlay");
    if (this.#base !== null && this.#overlay === null && overlay !== null) await this.openOverlay(overlay);
  }

  /** Lays the labels of another image over the one that is shown, where both lie in the world. */
  async openOverlay(source: Openable): Promise<void> {
    // It is opened after the image.
    if (this.#scene === null) return;
    this.closeOverlay();
    const { signal } = this.#opening.overlay;
    await this.#tryTo("overlay", source, async () => {
      const client = await this.#client("overlay", source, signal);
      if (voxelsTo(this.#scene!.info.levels[0]!.affine, client.info.levels[0]!.affine) === null) {
        client.close();
        throw new LazyImageError(
          "ERR_UNSUPPORTED",
          `${client.info.name} cannot be laid over: its affine is singular, and so its voxels have no place in the world.`,
        );
      }
      this.#overlay = client;
      for (const view of this.#views) view.setOverlay(client);
      this.#show("overlay", client.info.name);
      this.#toggleOverlay(true);
      this.#change({ overlay: client.info });
      this.#readValues();
    });
  }

  closeOverlay(): void {
    this.#opening.overlay.abort();
    this.#opening.overlay = new AbortController();
    if (this.#overlay === null) return;
    this.#countAborted();
    for (const view of this.#views) view.setOverlay(null);
    this.#overlay.close();
    this.#overlay = null;
    this.#label = null;
    this.#traffic.overlay = NO_TRAFFIC;
    this.#toggleOverlay(false);
    this.#change({ overlay: null });
  }

  /** Lets go of the image and its overlay. */
  close(): void {
    this.closeOverlay();
    this.#opening.base.abort();
    this.#opening.base = new AbortController();
    this.#valuing.abort();
    this.#countAborted();
    for (const view of this.#views) view.close();
    this.#base?.close();
    this.#base = null;
    this.#scene = null;
    this.#last = null;
    this.#traffic.base = NO_TRAFFIC;
    this.#message(null);
    for (const name of ["world", "voxel", "value"]) this.#show(name, "–");
    this.#show("facts", "");
    this.#show("status", "");
  }

  /** Whole planes, the crosshair in the middle, and the automatic window. */
  reset(): void {
    if (this.#scene === null) return;
    const [, ...sizes] = this.#scene.info.levels[0]!.shape;
    this.#control<HTMLSelectElement>("preset").value = "auto";
    this.#change({ zoom: 1, window: this.#windowOf("auto") });
    this.#moveTo(sizes.map((size) => size >> 1) as unknown as Vector3);
  }

  /** Does `work`; what goes wrong is shown, unless somebody wanted something else meanwhile. */
  async #tryTo(what: "base" | "overlay", source: Openable, work: () => Promise<void>): Promise<void> {
    const { signal } = this.#opening[what];
    this.#last = { what, source };
    try {
      await work();
    } catch (error) {
      if (signal.aborted) return;
      if (what === "base") this.#show("status", "");
      this.#message(error);
      const { message } = error instanceof Error ? error : { message: String(error) };
      this.dispatchEvent(new ErrorEvent("error", { error, message }));
    }
  }

  async #client(what: "base" | "overlay", source: Openable, signal: AbortSignal): Promise<ImageClient> {
    const found = sourceOf(source, document.baseURI);
    const withHeaders =
      found.kind === "url" && this.headers !== undefined
        ? { ...found, headers: { ...this.headers, ...found.headers } }
        : found;
    return ImageClient.open(
      withHeaders,
      (counts) => {
        this.#traffic[what] = counts;
        this.#showStatus();
      },
      signal,
    );
  }

  /** The plane that takes the fewest bytes. */
  #cheapest(info: Scene["info"]): SliceView {
    const { affine, shape } = info.levels[0]!;
    const planes = planesOf(affine, shape, this.convention);
    const cost = ({ name }: SliceView): number =>
      info.costs[planes.find((plane) => plane.name === name)!.across]!;
    return this.#views.reduce((best, view) => (cost(view) < cost(best) ? view : best));
  }

  #countAborted(): void {
    this.#abortedBefore = this.traffic.aborted;
  }

  #change(change: Partial<Scene>): void {
    if (this.#scene === null) return;
    this.#scene = { ...this.#scene, ...change };
    this.#update();
  }

  #update(): void {
    if (this.#scene === null) return;
    for (const view of this.#views) if (this.#reading.has(view)) view.update(this.#scene);
    const { window } = this.#scene;
    if (window !== null) {
      this.#control<HTMLInputElement>("low").value = formatNumber(window.low);
      this.#control<HTMLInputElement>("high").value = formatNumber(window.high);
    }
  }

  #moveTo(crosshair: Vector3): void {
    const before = this.#scene?.crosshair;
    if (before === undefined) return;
    const changed = crosshair.flatMap((place, axis) => (place === before[axis] ? [] : [axis]));
    if (changed.length > 0 && this.#scene !== null) {
      const { affine, shape } = this.#scene.info.levels[0]!;
      const plane = planesOf(affine, shape, this.convention).find(({ across }) => across === changed[0])!;
      this.#moved = this.#views.find(({ name }) => name === plane.name)!;
    }
    this.#change({ crosshair });
    this.#readValues();
  }

  /** A plane has something new. */
  #changed(view: SliceView): void {
    if (this.#scene === null) return;
    const { picture, errors } = view;
    if (picture !== null && this.#scene.window === null && this.#scene.channel !== null) {
      this.#scene = { ...this.#scene, window: autoWindow(picture.plane) };
      this.#update();
    }
    if (!view.isReading && this.#reading.size === 1) {
      this.#reading = new Set(this.#views);
      this.#update();
      this.#readValues();
    }
    if (errors.length > 0) this.#message(errors[0]);
    else if (!this.#views.some(({ isReading }) => isReading)) {
      this.#message(null);
      (this.#moved ?? view).prefetch();
    }
    this.#showStatus();
  }

  /** Reads what is under the crosshair. */
  async #readValues(): Promise<void> {
    const [base, overlay, scene] = [this.#base, this.#overlay, this.#scene];
    // Not before the first plane, which has it.
    if (base === null || scene === null || this.#reading.size < 3) return;
    this.#valuing.abort();
    this.#valuing = new AbortController();
    const { signal } = this.#valuing;
    this.#showPlace();
    try {
      const { affine } = scene.info.levels[0]!;
      const voxel = scene.crosshair;
      const label = async (): Promise<VoxelValue | null> => {
        if (overlay === null) return null;
        const { levels } = overlay.info;
        const place = apply(voxelsTo(affine, levels[0]!.affine)!, voxel).map(
          Math.round,
        ) as unknown as Vector3;
        const isInside = place.every((at, axis) => at >= 0 && at < levels[0]!.shape[axis + 1]!);
        return isInside ? (await overlay.value(place, 0, { signal }))[0]! : null;
      };
      [this.#value, this.#label] = await Promise.all([base.value(voxel, scene.channel, { signal }), label()]);
      this.#show("value", this.#value.map(formatValue).join(", "));
      this.#showLabel();
      const world = apply(affine, voxel);
      const detail: CrosshairDetail = { voxel, world, value: this.#value, label: this.#label };
      this.dispatchEvent(new CustomEvent("crosshairchange", { detail }));
      clearTimeout(this.#telling);
      this.#telling = setTimeout(() => this.#show("live", this.#spoken()), REST);
    } catch (error) {
      if (signal.aborted) return;
      this.#show("value", "not read");
      this.#message(error);
    }
  }

  #spoken(): string {
    const text = (name: string): string => this.#root.querySelector(`[data-show=${name}]`)!.textContent!;
    const label = this.#overlay === null ? "" : `, label ${text("label")}`;
    return `Value ${text("value")}${label} at voxel ${text("voxel")}, world ${text("world")}`;
  }

  #showPlace(): void {
    const { info, crosshair } = this.#scene!;
    const world = apply(info.levels[0]!.affine, crosshair);
    this.#show("world", `${world.map((mm) => mm.toFixed(2)).join(", ")} mm`);
    this.#show("voxel", crosshair.join(", "));
  }

  #showLabel(): void {
    const label = Number(this.#label ?? 0);
    this.#show("label", this.#label === null ? "outside" : formatValue(this.#label));
    const swatch = this.#root.querySelector<HTMLElement>(".swatch")!;
    swatch.style.background = label > 0 ? `rgb(${labelColour(Math.round(label)).join(" ")})` : "transparent";
  }

  #showStatus(): void {
    if (this.#scene === null) return;
    const { bytes, requests, total, cached, aborted } = this.traffic;
    const share = total === null ? "" : ` of ${formatBytes(total)}`;
    const parts = [
      `${formatBytes(bytes)}${share} fetched`,
      `${requests} ${requests === 1 ? "request" : "requests"}`,
      `${formatBytes(cached)} cached`,
    ];
    if (aborted > 0) parts.push(`${aborted} aborted`);
    this.#show("status", parts.join(" · "));
  }

  #showFacts(): void {
    const { info } = this.#scene!;
    const { affine, shape } = info.levels[0]!;
    const [channels, ...sizes] = shape;
    const angle = obliqueness(affine);
    const rows: [string, string][] = [
      ["File", info.name],
      [
        "Size",
        `${sizes.join(" × ")}${channels > 1 ? `, ${channels} ${info.isColour ? "colours" : "volumes"}` : ""}`,
      ],
      ["Spacing", `${spacingOf(affine).map(formatNumber).join(" × ")} mm`],
      ["Axes", `${orientation(affine)}+${angle > 0.1 ? `, oblique by ${angle.toFixed(1)}°` : ""}`],
      ["Type", info.dtype === info.valueDtype ? info.dtype : `${info.dtype}, scaled`],
    ];
    if (info.levels.length > 1) rows.push(["Levels", String(info.levels.length)]);
    const facts = this.#root.querySelector("[data-show=facts]")!;
    facts.replaceChildren(
      ...rows.map(([label, text]) => {
        const row = document.createElement("div");
        const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
        dt.textContent = label;
        dd.textContent = text;
        row.append(dt, dd);
        return row;
      }),
    );
  }

  #message(error: unknown): void {
    const message = this.#root.querySelector<HTMLElement>(".message")!;
    message.hidden = error === null;
    if (error === null) return;
    const { title, text } = describeError(error);
    message.querySelector("h2")!.textContent = title;
    message.querySelector("p")!.textContent = text;
  }

  #windowOf(preset: string): Window | null {
    const { info } = this.#scene!;
    const picture = this.#views.find((view) => view.picture !== null)?.picture;
    if (preset === "file" && info.window !== null) return { low: info.window[0], high: info.window[1] };
    if (preset in CT_WINDOWS) return CT_WINDOWS[preset]!;
    if (picture == null) return null;
    return preset === "full" ? fullWindow(picture.plane) : autoWindow(picture.plane);
  }

  #setWindow(window: Window): void {
    this.#control<HTMLSelectElement>("preset").value = "custom";
    this.#change({ window });
  }

  #prepareControls(): void {
    const { info } = this.#scene!;
    const presets: [string, string][] = [
      ["auto", "Automatic"],
      ["full", "Full range"],
    ];
    if (info.window !== null) presets.push(["file", "As the file says"]);
    presets.push(...Object.keys(CT_WINDOWS).map((name): [string, string] => [name, name]), [
      "custom",
      "Custom",
    ]);
    const select = this.#control<HTMLSelectElement>("preset");
    select.replaceChildren(...presets.map(([value, text]) => new Option(text, value)));
    for (const name of ["preset", "low", "high"])
      this.#control<HTMLInputElement>(name).disabled = info.isColour;
    const channel = this.#control<HTMLInputElement>("channel");
    const channels = info.levels[0]!.shape[0];
    channel.max = String(channels - 1);
    channel.value = "0";
    channel.closest("label")!.hidden = channels === 1 || info.isColour;
    this.#show("channel", `1 / ${channels}`);
    this.#showFacts();
    this.#showPlace();
  }

  #toggleOverlay(shown: boolean): void {
    for (const part of this.#root.querySelectorAll<HTMLElement>(".overlay, .label")) part.hidden = !shown;
  }

  #control<E extends HTMLElement>(name: string): E {
    return this.#root.querySelector<E>(`[name=${name}]`)!;
  }

  #show(name: string, text: string): void {
    const shown = this.#root.querySelector(`[data-show=${name}]`)!;
    if (shown.textContent !== text) shown.textContent = text;
  }

  #listen(): void {
    const on = (name: string, type: string, act: (control: HTMLInputElement) => void): void => {
      const control = this.#control<HTMLInputElement>(name);
      control.addEventListener(type, () => act(control));
    };
    on("preset", "change", ({ value }) => {
      if (this.#scene !== null && value !== "custom") this.#change({ window: this.#windowOf(value) });
    });
    for (const edge of ["low", "high"] as const) {
      on(edge, "change", ({ valueAsNumber }) => {
        const { window } = this.#scene ?? {};
        if (window && Number.isFinite(valueAsNumber)) this.#setWindow({ ...window, [edge]: valueAsNumber });
      });
    }
    on("convention", "change", ({ value }) => {
      this.convention = value as Convention;
    });
    on("reset", "click", () => this.reset());
    on("channel", "input", ({ valueAsNumber }) => {
      if (this.#scene === null) return;
      this.#change({ channel: valueAsNumber });
      this.#show("channel", `${valueAsNumber + 1} / ${this.#scene.info.levels[0]!.shape[0]}`);
      this.#readValues();
    });
    this.#control<HTMLInputElement>("opacity").value = "0.5";
    on("opacity", "input", ({ valueAsNumber }) => this.#change({ opacity: valueAsNumber }));
    on("remove", "click", () => this.closeOverlay());
    on("dismiss", "click", () => this.#message(null));
    on("again", "click", () => {
      const last = this.#last;
      this.#message(null);
      if (this.#scene === null) {
        if (last !== null) void this.open(last.source);
      } else if (last?.what === "overlay" && this.#overlay === null) void this.openOverlay(last.source);
      else {
        for (const view of this.#views) view.again();
        this.#readValues();
      }
    });
    this.#listenToDrops();
  }

  #listenToDrops(): void {
    const drop = this.#root.querySelector<HTMLElement>(".drop")!;
    const [open, overlay] = drop.querySelectorAll<HTMLElement>("span");
    const isOverlay = (event: DragEvent): boolean => event.composedPath().includes(overlay!);
    this.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      drop.hidden = false;
      overlay!.hidden = this.#scene === null;
      overlay!.classList.toggle("over", isOverlay(event));
      open!.classList.toggle("over", !isOverlay(event));
    });
    this.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null || !this.contains(event.relatedTarget as Node)) drop.hidden = true;
    });
    this.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.hidden = true;
      void filesDropped(event.dataTransfer!).then((files) => this.openFiles(files, isOverlayDrop));
      const isOverlayDrop = this.#scene !== null && isOverlay(event);
    });
  }

  /**
   * Opens the image among files that were dropped or chosen; a second one, as labels over it.
   *
   * @param files by path, folders separated by slashes
   * @param asOverlay lay it over the image that is open
   */
  async openFiles(files: ReadonlyMap<string, Blob>, asOverlay = false): Promise<void> {
    const [first, second] = imagesIn(files);
    if (first === undefined) {
      const names = [...files.keys()].slice(0, 3).join(", ") || "nothing";
      const text = `There is no image among these files (${names}); give a .nii, .nii.gz, .hdr with its .img, or a .zarr folder.`;
      this.#message(new LazyImageError("ERR_NO_BACKEND", text));
    } else if (asOverlay) await this.openOverlay(first);
    else {
      await this.open(first);
      if (second !== undefined && this.#scene !== null) await this.openOverlay(second);
    }
  }
}

function formatValue(value: VoxelValue): string {
  return typeof value === "object" ? `${value[0]} + ${value[1]}i` : String(value);
}
