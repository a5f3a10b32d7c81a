import type { ImageInfo, PlaneData } from "./protocol.js";

/** The values that are shown as black and as white. */
export interface Window {
  readonly low: number;
  readonly high: number;
}

/** Windows by name, in Hounsfield units. */
const CT_WINDOWS: Readonly<Record<string, Window>> = {
  "CT brain": { low: 0, high: 80 },
  "CT soft tissue": { low: -160, high: 240 },
  "CT lung": { low: -1350, high: 150 },
  "CT bone": { low: -450, high: 1050 },
};

/** The windows that an image can be shown with: what they are called, and what stands for each. */
export function presetsOf({ window }: ImageInfo): [name: string, text: string][] {
  return [
    ["auto", "Automatic"],
    ["full", "Full range"],
    ...(window === null ? [] : [["file", "As the file says"] as [string, string]]),
    ...Object.keys(CT_WINDOWS).map((name): [string, string] => [name, name]),
    ["custom", "Custom"],
  ];
}

/**
 * The window of a preset; `null` where it cannot be known yet.
 *
 * @param plane what is shown
 */
export function windowOf(preset: string, { window }: ImageInfo, plane: PlaneData | undefined): Window | null {
  if (preset === "file" && window !== null) return { low: window[0], high: window[1] };
  if (preset in CT_WINDOWS) return CT_WINDOWS[preset]!;
  if (plane === undefined) return null;
  return preset === "full" ? fullWindow(plane) : autoWindow(plane);
}

/** No more values than this are looked at. */
const SAMPLES = 50_000;

function sortedValues({ data }: PlaneData): Float64Array {
  const step = Math.max(1, Math.floor(data.length / SAMPLES));
  const values: number[] = [];
  for (let n = 0; n < data.length; n += step) {
    const value = Number(data[n]);
    if (Number.isFinite(value)) values.push(value);
  }
  return Float64Array.from(values).sort();
}

/** From the least to the greatest finite value of a plane. */
export function fullWindow(plane: PlaneData): Window {
  const sorted = sortedValues(plane);
  return sorted.length === 0 ? { low: 0, high: 1 } : { low: sorted[0]!, high: sorted.at(-1)! };
}

/** From the 2nd to the 98th percentile of the finite values of a plane; where these are equal, all of them. */
export function autoWindow(plane: PlaneData): Window {
  const sorted = sortedValues(plane);
  const at = (percent: number): number => sorted[Math.round(((sorted.length - 1) * percent) / 100)]!;
  return sorted.length > 0 && at(2) < at(98) ? { low: at(2), high: at(98) } : fullWindow(plane);
}

/**
 * The window after a drag.
 *
 * @param dx to the right makes it wider; in pixels
 * @param dy down makes the picture darker
 */
export function dragWindow({ low, high }: Window, dx: number, dy: number): Window {
  const width = Math.max(high - low, Number.MIN_VALUE);
  const centre = (low + high) / 2 + (dy * width) / 300;
  const wide = width * Math.exp(dx / 200);
  return { low: centre - wide / 2, high: centre + wide / 2 };
}
