import { formatNumber } from "./format.js";
import type { Convention } from "./geometry.js";
import type { Tool } from "./interaction.js";
import type { ImageInfo } from "./protocol.js";
import type { Scene } from "./scene.js";
import { presetsOf } from "./window.js";

/** What somebody does with the controls. */
export interface ControlActs {
  /** @param name one of `presetsOf` */
  choosePreset(name: string): void;
  setWindowEdge(edge: "low" | "high", value: number): void;
  setConvention(convention: Convention): void;
  setChannel(channel: number): void;
  setOpacity(opacity: number): void;
  removeOverlay(): void;
  reset(): void;
  dismiss(): void;
  tryAgain(): void;
}

/** The bar above the planes, and the sliders beside them. */
export class Controls {
  readonly #root: ShadowRoot;

  /** @param root has the controls, by name */
  constructor(root: ShadowRoot, acts: ControlActs) {
    this.#root = root;
    const on = (name: string, type: string, act: (control: HTMLInputElement) => void): void => {
      const control = this.#control(name);
      control.addEventListener(type, () => act(control));
    };
    on("preset", "change", ({ value }) => acts.choosePreset(value));
    for (const edge of ["low", "high"] as const) {
      on(edge, "change", ({ valueAsNumber }) => {
        if (Number.isFinite(valueAsNumber)) acts.setWindowEdge(edge, valueAsNumber);
      });
    }
    on("convention", "change", ({ value }) => acts.setConvention(value as Convention));
    on("channel", "input", ({ valueAsNumber }) => acts.setChannel(valueAsNumber));
    this.#control("opacity").value = "0.5";
    on("opacity", "input", ({ valueAsNumber }) => acts.setOpacity(valueAsNumber));
    on("remove", "click", () => acts.removeOverlay());
    on("reset", "click", () => acts.reset());
    on("dismiss", "click", () => acts.dismiss());
    on("again", "click", () => acts.tryAgain());
  }

  /** What dragging does. */
  get tool(): Tool {
    return (this.#root.querySelector<HTMLInputElement>("input[name=tool]:checked")?.value ??
      "crosshair") as Tool;
  }

  /** Offers what an image has. */
  prepare(info: ImageInfo): void {
    const presets = presetsOf(info).map(([name, text]) => new Option(text, name));
    this.#control("preset").replaceChildren(...presets);
    for (const name of ["preset", "low", "high"]) this.#control(name).disabled = info.isColour;
    const channels = info.levels[0]!.shape[0];
    const channel = this.#control("channel");
    channel.max = String(channels - 1);
    channel.value = "0";
    channel.closest("label")!.hidden = channels === 1 || info.isColour;
  }

  show({ preset, window }: Scene): void {
    this.#control("preset").value = preset;
    if (window === null) return;
    this.#control("low").value = formatNumber(window.low);
    this.#control("high").value = formatNumber(window.high);
  }

  showConvention(convention: Convention): void {
    this.#control("convention").value = convention;
  }

  /** Shows or hides what belongs to an overlay. */
  toggleOverlay(shown: boolean): void {
    for (const part of this.#root.querySelectorAll<HTMLElement>(".overlay, .label")) part.hidden = !shown;
  }

  /** Inputs, selects and buttons, for what they have in common. */
  #control(name: string): HTMLInputElement {
    return this.#root.querySelector<HTMLInputElement>(`[name=${name}]`)!;
  }
}
