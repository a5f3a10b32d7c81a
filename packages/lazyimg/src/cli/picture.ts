import { applyWindow, type Window, windowOf } from "./intensity.js";
import type { Edges, Plane } from "./planes.js";
import { resample } from "./resample.js";

/** Pixels, three bytes each, row by row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

type Colour = readonly [red: number, green: number, blue: number];

const BACKGROUND: Colour = [14, 16, 21];
const LETTER: Colour = [255, 196, 92];
/** Round each plane there is room for its letters. */
const MARGIN = 26;
const LETTER_SCALE = 2;

/** Letters of 5 x 7 dots, a number for each row. */
const FONT: Readonly<Record<string, readonly number[]>> = {
  R: [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001],
  L: [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111],
  A: [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
  P: [0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000],
  S: [0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110],
  I: [0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
};

function fill({ width, data }: Picture, x: number, y: number, size: number, colour: Colour): void {
  for (let row = y; row < y + size; row++) {
    for (let column = x; column < x + size; column++) data.set(colour, 3 * (row * width + column));
  }
}

/** A letter around a centre. */
function drawLetter(picture: Picture, letter: string, x: number, y: number): void {
  const left = Math.round(x - 2.5 * LETTER_SCALE);
  const top = Math.round(y - 3.5 * LETTER_SCALE);
  for (const [row, dots] of FONT[letter]!.entries()) {
    for (let column = 0; column < 5; column++) {
      if ((dots >> (4 - column)) & 1) {
        fill(picture, left + column * LETTER_SCALE, top + row * LETTER_SCALE, LETTER_SCALE, LETTER);
      }
    }
  }
}

function drawLetters(picture: Picture, edges: Edges, { x, y, width, height }: Place): void {
  const [middle, centre] = [x + width / 2, y + height / 2];
  drawLetter(picture, edges.left, x - MARGIN / 2, centre);
  drawLetter(picture, edges.right, x + width + MARGIN / 2, centre);
  drawLetter(picture, edges.top, middle, y - MARGIN / 2);
  drawLetter(picture, edges.bottom, middle, y + height + MARGIN / 2);
}

/** Where a plane is drawn. */
interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The planes side by side, at one scale, `size` pixels along the longest of their sides, their centres in line. */
function placesOf(planes: readonly Plane[], size: number): Place[] {
  const extents = planes.map(
    ({ width, height, spacing }) => [width * spacing[0], height * spacing[1]] as const,
  );
  const scale = size / Math.max(...extents.flat());
  const sizes = extents.map(
    ([x, y]) => [Math.max(1, Math.round(x * scale)), Math.max(1, Math.round(y * scale))] as const,
  );
  const tallest = Math.max(...sizes.map(([, height]) => height));
  let x = 0;
  return sizes.map(([width, height]) => {
    const place = { x: x + MARGIN, y: MARGIN + Math.floor((tallest - height) / 2), width, height };
    x += width + 2 * MARGIN;
    return place;
  });
}

/** Red, green and blue of a plane, from 0 to 255: grey by the window, or colours as they are, on black where transparent. */
function coloursOf({ channels }: Plane, window: Window | null): Float32Array[] {
  if (window !== null) {
    const grey = applyWindow(channels[0]!, window);
    return [grey, grey, grey];
  }
  const alpha = channels[3];
  return channels
    .slice(0, 3)
    .map((values) =>
      Float32Array.from(values, (value, n) => (alpha === undefined ? value : (value * alpha[n]!) / 255)),
    );
}

/**
 * The planes as a picture with letters at their edges.
 *
 * @param size pixels along the longest side of a plane
 */
export function drawPlanes(
  planes: readonly Plane[],
  size: number,
): { picture: Picture; window: Window | null } {
  const places = placesOf(planes, size);
  const window =
    planes[0]!.channels.length === 1 ? windowOf(planes.map(({ channels }) => channels[0]!)) : null;
  const last = places.at(-1)!;
  const width = last.x + last.width + MARGIN;
  const height = Math.max(...places.map((place) => place.height)) + 2 * MARGIN;
  const picture = { width, height, data: new Uint8Array(3 * width * height) };
  for (let at = 0; at < picture.data.length; at += 3) picture.data.set(BACKGROUND, at);
  for (const [n, plane] of planes.entries()) {
    const place = places[n]!;
    for (const [lane, values] of coloursOf(plane, window).entries()) {
      const resampled = resample(values, [plane.width, plane.height], [place.width, place.height]);
      for (const [at, value] of resampled.entries()) {
        const x = place.x + (at % place.width);
        const y = place.y + Math.floor(at / place.width);
        picture.data[3 * (y * width + x) + lane] = Math.round(value);
      }
    }
    drawLetters(picture, plane.edges, place);
  }
  return { picture, window };
}
