import { expect, it } from "vitest";
import { labelColour } from "../src/paint.js";
import { autoWindow, dragWindow, fullWindow } from "../src/window.js";

const planeOf = (data: Float64Array | BigInt64Array) => ({
  width: data.length,
  height: 1,
  channels: 1,
  data,
});

it("windows from the 2nd to the 98th percentile of finite values", () => {
  const values = Float64Array.from({ length: 101 }, (_, n) => n);
  expect(autoWindow(planeOf(values))).toEqual({ low: 2, high: 98 });
  expect(fullWindow(planeOf(values))).toEqual({ low: 0, high: 100 });
  const broken = Float64Array.of(Number.NaN, ...values, Number.POSITIVE_INFINITY);
  expect(autoWindow(planeOf(broken))).toEqual({ low: 2, high: 98 });
  expect(fullWindow(planeOf(broken))).toEqual({ low: 0, high: 100 });
});

it("shows a mask from its least to its greatest value", () => {
  const mask = new Float64Array(1000);
  mask[500] = 3;
  expect(autoWindow(planeOf(mask))).toEqual({ low: 0, high: 3 });
  expect(autoWindow(planeOf(new Float64Array(0)))).toEqual({ low: 0, high: 1 });
});

it("understands 64-bit integers", () => {
  expect(fullWindow(planeOf(BigInt64Array.of(-5n, 7n)))).toEqual({ low: -5, high: 7 });
});

it("drags the window wider to the right, and its level down the screen", () => {
  const wide = dragWindow({ low: 0, high: 100 }, 200, 0);
  expect(wide.high - wide.low).toBeCloseTo(100 * Math.E, 9);
  expect((wide.high + wide.low) / 2).toBeCloseTo(50, 9);
  expect(dragWindow({ low: 0, high: 100 }, 0, 30)).toEqual({ low: 10, high: 110 });
});

it("gives neighbouring labels colours that differ", () => {
  for (let label = 1; label < 100; label++) {
    const [a, b] = [labelColour(label), labelColour(label + 1)];
    expect(Math.hypot(...a.map((value, n) => value - b[n]!))).toBeGreaterThan(60);
    expect(Math.max(...a)).toBeLessThan(256);
  }
});
