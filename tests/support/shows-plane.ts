import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { Page } from "playwright";
import { expect } from "vitest";
import { ROOT } from "./snippets.js";

/**
 * Compares the canvas of a page with the middle axial plane of the sample volume, voxel by voxel. The file is LPS: its first
 * voxel is right, front and bottom in RAS.
 */
export async function showsPlane(page: Page): Promise<void> {
  const file = gunzipSync(readFileSync(`${ROOT}examples/phantom.nii.gz`));
  const [I, J, K] = [42, 44, 46].map((at) => file.readInt16LE(at)) as [number, number, number];
  const [first, slope, inter] = [108, 112, 116].map((at) => file.readFloatLE(at)) as [number, number, number];
  const greys = await page.evaluate(() => {
    const canvas = document.querySelector("canvas")!;
    const { data, width, height } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    return { width, height, reds: Array.from({ length: width * height }, (_, n) => data[4 * n]!) };
  });
  expect([greys.width, greys.height]).toEqual([I, J]);
  const wrong = greys.reds.filter((red, n) => {
    const [i, j] = [I - 1 - (n % I), Math.floor(n / I)];
    const stored = file.readInt16LE(first + 2 * (i + I * (j + J * (K >> 1))));
    const value = slope === 0 ? stored : stored * slope + inter;
    return Math.abs(red - Math.min(255, Math.max(0, (255 * value) / 1000))) > 0.51;
  });
  expect(wrong).toHaveLength(0);
}
