import { spacingOf } from "@lazyimg/core";
import { formatBytes, formatNumber } from "./format.js";
import { apply, obliqueness, orientation } from "./geometry.js";
import { describeError } from "./messages.js";
import { labelColour } from "./paint.js";
import type { CrosshairDetail } from "./probe.js";
import type { ImageInfo, TrafficCounts, VoxelValue } from "./protocol.js";
import { type Scene, sizesOf } from "./scene.js";

/** What was read so far: of the image and its overlay. */
export interface ViewerTraffic extends TrafficCounts {
  /** Reads of planes that were aborted because another plane was wanted. */
  readonly aborted: number;
}

/** After this long at rest the crosshair is told of to screen readers, in milliseconds. */
const REST = 400;

/** Everything that is told in words: beside the planes, below them, and when something goes wrong. */
export class Readout {
  readonly #root: ShadowRoot;
  #telling: ReturnType<typeof setTimeout> | undefined;

  /** @param root has elements with `data-show` */
  constructor(root: ShadowRoot) {
    this.#root = root;
  }

  show(name: string, text: string): void {
    const place = this.#place(name);
    if (place.textContent !== text) place.textContent = text;
  }

  /** Nothing is open. */
  clear(): void {
    clearTimeout(this.#telling);
    this.message(null);
    for (const name of ["world", "voxel", "value"]) this.show(name, "–");
    for (const name of ["facts", "status"]) this.show(name, "");
  }

  /** Where the crosshair is. */
  place({ info, crosshair, channel }: Scene): void {
    const { affine, shape } = info.levels[0]!;
    const world = apply(affine, crosshair);
    this.show("channel", `${(channel ?? 0) + 1} / ${shape[0]}`);
    this.show("world", `${world.map((mm) => mm.toFixed(2)).join(", ")} mm`);
    this.show("voxel", crosshair.join(", "));
  }

  /** What is there. */
  values({ value, label }: CrosshairDetail, hasOverlay: boolean): void {
    this.show("value", value.map(formatValue).join(", "));
    this.show("label", label === null ? "outside" : formatValue(label));
    const number = Math.round(Number(label ?? 0));
    const swatch = this.#root.querySelector<HTMLElement>(".swatch")!;
    swatch.style.background = number > 0 ? `rgb(${labelColour(number).join(" ")})` : "transparent";
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => this.show("live", this.#spoken(hasOverlay)), REST);
  }

  status({ bytes, requests, total, cached, aborted }: ViewerTraffic): void {
    const share = total === null ? "" : ` of ${formatBytes(total)}`;
    const parts = [
      `${formatBytes(bytes)}${share} fetched`,
      `${requests} ${requests === 1 ? "request" : "requests"}`,
      `${formatBytes(cached)} cached`,
    ];
    if (aborted > 0) parts.push(`${aborted} aborted`);
    this.show("status", parts.join(" · "));
  }

  facts(info: ImageInfo): void {
    this.#place("facts").replaceChildren(
      ...factsOf(info).map(([label, text]) => {
        const row = document.createElement("div");
        const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
        dt.textContent = label;
        dd.textContent = text;
        row.append(dt, dd);
        return row;
      }),
    );
  }

  /** What went wrong; `null`: nothing. */
  message(error: unknown): void {
    const message = this.#root.querySelector<HTMLElement>(".message")!;
    message.hidden = error === null;
    if (error === null) return;
    const { title, text } = describeError(error);
    message.querySelector("h2")!.textContent = title;
    message.querySelector("p")!.textContent = text;
  }

  #place(name: string): Element {
    return this.#root.querySelector(`[data-show=${name}]`)!;
  }

  #spoken(hasOverlay: boolean): string {
    const text = (name: string): string => this.#place(name).textContent ?? "";
    const label = hasOverlay ? `, label ${text("label")}` : "";
    return `Value ${text("value")}${label} at voxel ${text("voxel")}, world ${text("world")}`;
  }
}

function factsOf(info: ImageInfo): [label: string, text: string][] {
  const { affine, shape } = info.levels[0]!;
  const channels = shape[0];
  const more = channels > 1 ? `, ${channels} ${info.isColour ? "colours" : "volumes"}` : "";
  const angle = obliqueness(affine);
  const rows: [string, string][] = [
    ["File", info.name],
    ["Size", `${sizesOf(info).join(" × ")}${more}`],
    ["Spacing", `${spacingOf(affine).map(formatNumber).join(" × ")} mm`],
    ["Axes", `${orientation(affine)}+${angle > 0.1 ? `, oblique by ${angle.toFixed(1)}°` : ""}`],
    ["Type", info.dtype === info.valueDtype ? info.dtype : `${info.dtype}, scaled`],
  ];
  if (info.levels.length > 1) rows.push(["Levels", String(info.levels.length)]);
  return rows;
}

function formatValue(value: VoxelValue): string {
  return typeof value === "object" ? `${value[0]} + ${value[1]}i` : String(value);
}
