import type { PlaneData } from "./protocol.js";
import type { Window } from "./window.js";

const OPAQUE = 0xff000000;

/** Grey values, as 32-bit RGBA in little-endian order. NaN is black; an image of one value is grey. */
function greys({ data }: PlaneData, { low, high }: Window, pixels: Uint32Array): void {
  const scale = high > low ? 255 / (high - low) : 0;
  const shift = scale === 0 ? 127 : 0;
  for (let n = 0; n < pixels.length; n++) {
    const grey = (Number(data[n]) - low) * scale + shift;
    // Not Math.max(), which keeps NaN.
    const byte = grey > 0 ? Math.min(grey, 255) : 0;
    pixels[n] = OPAQUE | (Math.round(byte) * 0x010101);
  }
}

function colours({ data, channels }: PlaneData, pixels: Uint32Array): void {
  for (let n = 0, at = 0; n < pixels.length; n++, at += channels) {
    const [r, g, b] = [data[at] as number, data[at + 1] as number, data[at + 2] as number];
    pixels[n] = OPAQUE | (b << 16) | (g << 8) | r;
  }
}

/** The colour of a label, [0, 255] each: hues by the golden angle, so that neighbours differ. */
export function labelColour(label: number): [red: number, green: number, blue: number] {
  const hue = ((label * 137.508) % 360) / 60;
  const value = 0.95 - 0.2 * (Math.floor(label / 8) % 3);
  // HSV to RGB, with a saturation of 0.8.
  const channel = (shift: number): number => {
    const k = (shift + hue) % 6;
    return Math.round(255 * value * (1 - 0.8 * Math.max(0, Math.min(k, 4 - k, 1))));
  };
  return [channel(5), channel(3), channel(1)];
}

/** Labels in their colours; 0, what is not a number, and everything outside are transparent. */
function labels({ data }: PlaneData, pixels: Uint32Array): void {
  const known = new Map<number, number>();
  for (let n = 0; n < pixels.length; n++) {
    const label = Math.round(Math.abs(Number(data[n])));
    if (!(label > 0)) continue;
    let colour = known.get(label);
    if (colour === undefined) {
      const [r, g, b] = labelColour(label);
      colour = OPAQUE | (b << 16) | (g << 8) | r;
      known.set(label, colour);
    }
    pixels[n] = colour;
  }
}

/** How a plane becomes a picture. */
export type Look =
  | { readonly kind: "colours" }
  | { readonly kind: "labels" }
  | { readonly kind: "greys"; readonly window: Window };

/** Draws a plane, one pixel for each of its points, into a canvas that takes its size. */
export function paint(plane: PlaneData, look: Look, canvas: HTMLCanvasElement): void {
  const { width, height } = plane;
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  if (look.kind === "greys") greys(plane, look.window, pixels);
  else if (look.kind === "labels") labels(plane, pixels);
  else colours(plane, pixels);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  canvas.getContext("2d")!.putImageData(image, 0, 0);
}
