import { LazyImageError, type Vector3 } from "@lazyimg/core";
import { Controls } from "./controls.js";
import { listenToDrops } from "./drop-zone.js";
import { imagesIn } from "./dropped.js";
import { type Convention, voxelsTo } from "./geometry.js";
import { ImageSlot } from "./image-slot.js";
import { Planes } from "./planes.js";
import { Probe } from "./probe.js";
import { Readout, type ViewerTraffic } from "./readout.js";
import { clipped } from "./scene.js";
import { type Openable, type OpenOptions, sourceOf, type ViewerSource } from "./source.js";
import { STYLE, TEMPLATE } from "./template.js";

// Node, where the element is never made, has no such class.
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

/**
 * `<lazy-image-viewer src="scan.nii.gz">`: three orthogonal planes of a volumetric image, of which nothing is read but what
 * is looked at.
 *
 * Attributes: `src` and `overlay`, URLs; `convention`, "radiological" (default) or "neurological".
 * Events: `loadstart`, `load`, `error` (an `ErrorEvent`), `crosshairchange` (`detail` is a `CrosshairDetail`).
 */
export class LazyImageViewer extends Base {
  static readonly observedAttributes: readonly string[] = ["src", "overlay", "convention"];

  /** Sent with every request for the image and the overlay, such as `Authorization`; counts from the next one opened. */
  headers: Readonly<Record<string, string>> | undefined;

  /** Modules that register backends when they are imported, which the Worker does before it opens the next image. */
  plugins: readonly (string | URL)[] = [];

  /** Given to the backend of what is opened next, as `openImage`'s; such as `pipelinesBaseUrl`, where ITK's WebAssembly is. */
  readerOptions: Readonly<Record<string, unknown>> = {};

  readonly #planes: Planes;
  readonly #controls: Controls;
  readonly #readout: Readout;
  readonly #probe = new Probe();
  readonly #base = new ImageSlot(() => this.#showStatus());
  readonly #overlay = new ImageSlot(() => this.#showStatus());
  /** What was to be opened last. */
  #last: { readonly slot: ImageSlot; readonly source: Openable } | null = null;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.innerHTML = TEMPLATE;
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    root.adoptedStyleSheets = [style];
    this.#readout = new Readout(root);
    this.#controls = new Controls(root, {
      choosePreset: (name) => this.#planes.setPreset(name),
      setWindowEdge: (edge, value) => {
        const { window } = this.#planes.scene ?? {};
        if (window) this.#planes.change({ window: { ...window, [edge]: value }, preset: "custom" });
      },
      setConvention: (convention) => {
        this.convention = convention;
      },
      setChannel: (channel) => this.#planes.setChannel(channel),
      setOpacity: (opacity) => this.#planes.change({ opacity }),
      removeOverlay: () => this.closeOverlay(),
      reset: () => this.reset(),
      dismiss: () => this.#readout.message(null),
      tryAgain: () => this.#tryAgain(),
    });
    const controls = this.#controls;
    this.#planes = new Planes(root.querySelectorAll<HTMLElement>(".plane"), {
      get tool() {
        return controls.tool;
      },
      sceneChanged: (scene) => {
        controls.show(scene);
        this.#readout.place(scene);
      },
      crosshairMoved: () => void this.#readValues(),
      planesChanged: (errors) => this.#planesChanged(errors),
    });
    listenToDrops(
      this,
      root.querySelector<HTMLElement>(".drop")!,
      () => this.#planes.scene !== null,
      (files, asOverlay) => void this.openFiles(files, asOverlay),
    );
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
    return this.#planes.scene?.info.name ?? "";
  }

  get convention(): Convention {
    return this.getAttribute("convention") === "neurological" ? "neurological" : "radiological";
  }

  set convention(convention: Convention) {
    this.setAttribute("convention", convention);
  }

  /** Voxel of the finest level under the crosshair; `null` without an image. */
  get crosshair(): Vector3 | null {
    return this.#planes.scene?.crosshair ?? null;
  }

  set crosshair(voxel: Vector3 | null) {
    const { scene } = this.#planes;
    if (voxel !== null && scene !== null) this.#planes.moveTo(clipped(scene.info, voxel));
  }

  get traffic(): ViewerTraffic {
    const [base, overlay] = [this.#base.counts, this.#overlay.counts];
    return {
      bytes: base.bytes + overlay.bytes,
      requests: base.requests + overlay.requests,
      total: base.total === null ? null : base.total + (overlay.total ?? 0),
      cached: base.cached + overlay.cached,
      aborted: this.#planes.aborted,
    };
  }

  /** Whether the planes show what they are to show. */
  get isCurrent(): boolean {
    return this.#planes.areCurrent;
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (before === after) return;
    if (name === "convention") {
      this.#controls.showConvention(this.convention);
      this.#planes.change({ convention: this.convention });
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
    if (this.src !== null && this.#base.client === null && this.#last === null) void this.open(this.src);
  }

  /**
   * Opens an image and shows the planes through its middle. What goes wrong is shown, and told by the event `error`.
   *
   * @param source a URL, a `File`, or files with what lies beside them
   */
  async open(source: Openable): Promise<void> {
    this.close();
    this.#readout.show("status", "Opening…");
    this.dispatchEvent(new Event("loadstart"));
    await this.#tryTo(this.#base, source, async (found) => {
      const client = await this.#base.open(found, this.#options);
      if (client === null) return;
      this.#controls.prepare(client.info);
      this.#readout.facts(client.info);
      this.#planes.open(client, this.convention);
      this.dispatchEvent(new Event("load"));
    });
    const overlay = this.getAttribute("overlay");
    if (this.#base.client !== null && this.#overlay.client === null && overlay !== null)
      await this.openOverlay(overlay);
  }

  /** Lays the labels of another image over the one that is shown, where both lie in the world. */
  async openOverlay(source: Openable): Promise<void> {
    // It is opened after the image.
    const { scene } = this.#planes;
    if (scene === null) return;
    const { affine } = scene.info.levels[0]!;
    this.closeOverlay();
    await this.#tryTo(this.#overlay, source, async (found) => {
      const client = await this.#overlay.open(found, this.#options);
      if (client === null) return;
      const { info } = client;
      if (voxelsTo(affine, info.levels[0]!.affine) === null) {
        this.#overlay.close();
        throw new LazyImageError(
          "ERR_UNSUPPORTED",
          `${info.name} cannot be laid over: its affine is singular, and so its voxels have no place in the world.`,
        );
      }
      this.#readout.show("overlay", info.name);
      this.#controls.toggleOverlay(true);
      this.#planes.setOverlay(client);
      void this.#readValues();
    });
  }

  closeOverlay(): void {
    if (this.#overlay.client !== null) {
      this.#controls.toggleOverlay(false);
      this.#planes.setOverlay(null);
    }
    this.#overlay.close();
    void this.#readValues();
  }

  /** Lets go of the image and its overlay. */
  close(): void {
    this.closeOverlay();
    this.#probe.stop();
    this.#planes.close();
    this.#base.close();
    this.#last = null;
    this.#readout.clear();
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
      const text = `There is no image among these files (${names}); give a .nii, .nii.gz, .hdr with its .img, a .zarr folder, or another format that lazyimg reads.`;
      this.#readout.message(new LazyImageError("ERR_NO_BACKEND", text));
    } else if (asOverlay) await this.openOverlay(first);
    else {
      await this.open(first);
      if (second !== undefined && this.#planes.scene !== null) await this.openOverlay(second);
    }
  }

  /** Whole planes, the crosshair in the middle, and the automatic window. */
  reset(): void {
    this.#planes.reset();
  }

  get #options(): OpenOptions {
    const plugins = this.plugins.map((url) => new URL(url, document.baseURI).href);
    return { plugins, readerOptions: this.readerOptions };
  }

  /** Opens `source` in `slot` by `open`; what goes wrong is shown and told. */
  async #tryTo(
    slot: ImageSlot,
    source: Openable,
    open: (source: ViewerSource) => Promise<void>,
  ): Promise<void> {
    this.#last = { slot, source };
    try {
      const found = sourceOf(source, document.baseURI);
      const headers = { ...this.headers, ...(found.kind === "url" && found.headers) };
      await open(found.kind === "url" ? { ...found, headers } : found);
    } catch (error) {
      if (slot === this.#base) this.#readout.show("status", "");
      this.#readout.message(error);
      const { message } = error instanceof Error ? error : { message: String(error) };
      this.dispatchEvent(new ErrorEvent("error", { error, message }));
    }
  }

  #tryAgain(): void {
    const last = this.#last;
    this.#readout.message(null);
    if (this.#planes.scene === null) {
      if (last !== null) void this.open(last.source);
    } else if (last?.slot === this.#overlay && this.#overlay.client === null) {
      void this.openOverlay(last.source);
    } else this.#planes.again();
  }

  #planesChanged(errors: readonly unknown[]): void {
    if (errors.length > 0) this.#readout.message(errors[0]);
    else if (this.#planes.areWell) this.#readout.message(null);
    this.#showStatus();
  }

  /** Reads what is under the crosshair, and tells of it. */
  async #readValues(): Promise<void> {
    const [base, overlay, { scene, areReading }] = [this.#base.client, this.#overlay.client, this.#planes];
    // Not before the first plane, which has it.
    if (base === null || scene === null || !areReading) return;
    try {
      const detail = await this.#probe.read(scene, base, overlay);
      if (detail === null) return;
      this.#readout.values(detail, overlay !== null);
      this.dispatchEvent(new CustomEvent("crosshairchange", { detail }));
    } catch (error) {
      this.#readout.show("value", "not read");
      this.#readout.message(error);
    }
  }

  #showStatus(): void {
    if (this.#planes.scene !== null) this.#readout.status(this.traffic);
  }
}
