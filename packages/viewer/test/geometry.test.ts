import { IDENTITY } from "@lazyimg/core";
import { describe, expect, it } from "vitest";
import {
  apply,
  type Convention,
  gridOver,
  isAligned,
  levelFor,
  obliqueness,
  orientation,
  partOf,
  planesOf,
  through,
  toPlane,
  toVoxel,
  voxelsTo,
} from "../src/geometry.js";
import { GOLDEN, shape4 } from "./golden.js";

describe("planes lie as nibabel turns the image", () => {
  it.each(GOLDEN.planes)("$axes", ({ affine, shape, axes, views }) => {
    expect(orientation(affine)).toBe(axes);
    for (const [view, { size, voxels }] of Object.entries(views)) {
      const [convention, name] = view.split(" ");
      const plane = planesOf(affine, shape4(shape), convention as Convention).find(
        (one) => one.name === name,
      )!;
      expect([plane.width, plane.height], view).toEqual(size.slice(0, 2));
      for (const [x, y, , voxel] of voxels) {
        expect(toVoxel(plane, [x + 0.5, y + 0.5], voxel[plane.across]!), view).toEqual(voxel);
        expect(toPlane(plane, voxel), view).toEqual([x + 0.5, y + 0.5]);
        // The grid that is asked for has the same voxels.
        const whole = { left: 0, top: 0, right: plane.width, bottom: plane.height };
        const grid = gridOver(plane, whole, [1, 1], voxel[plane.across]!);
        const at = [0, 1, 2].map((row) => {
          const [a, b, c] = grid.toVoxel.slice(3 * row);
          return a! * x + b! * y + c!;
        });
        expect(at, view).toEqual(voxel);
      }
    }
  });

  it("puts letters on the sides that they name", () => {
    for (const { affine, shape } of GOLDEN.planes) {
      for (const convention of ["radiological", "neurological"] as const) {
        for (const plane of planesOf(affine, shape4(shape), convention)) {
          const [w, h] = [plane.width, plane.height];
          const world = (x: number, y: number) => apply(affine, toVoxel(plane, [x, y], 0));
          const toward = (letter: string, from: readonly number[], to: readonly number[]): number => {
            const axis = ["LR", "PA", "IS"].findIndex((pair) => pair.includes(letter));
            return (to[axis]! - from[axis]!) * ("RAS".includes(letter) ? 1 : -1);
          };
          expect(toward(plane.edges.right, world(0, 0), world(w, 0))).toBeGreaterThan(0);
          expect(toward(plane.edges.left, world(w, 0), world(0, 0))).toBeGreaterThan(0);
          expect(toward(plane.edges.bottom, world(0, 0), world(0, h))).toBeGreaterThan(0);
          expect(toward(plane.edges.top, world(0, h), world(0, 0))).toBeGreaterThan(0);
        }
      }
    }
  });
});

it("clips places outside of a plane", () => {
  const [axial] = planesOf(IDENTITY, [1, 4, 5, 6], "neurological");
  expect(toVoxel(axial!, [-3, 99], 2)).toEqual([0, 0, 2]);
  expect(toVoxel(axial!, [99, -3], 2)).toEqual([3, 4, 2]);
});

it("measures how oblique an affine is", () => {
  const [c, s] = [Math.cos(Math.PI / 18), Math.sin(Math.PI / 18)];
  expect(obliqueness([2 * c, -s, 0, 0, 2 * s, c, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1])).toBeCloseTo(10, 9);
  expect(obliqueness(IDENTITY)).toBe(0);
});

it("shows something of an image whose affine is singular", () => {
  const singular = [0, 0, 0, 5, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  const planes = planesOf(singular, [1, 4, 5, 6], "radiological");
  expect(planes.map(({ across }) => across)).toEqual([2, 1, 0]);
  expect(planes.flatMap(({ spacing }) => spacing).every((mm) => mm > 0)).toBe(true);
  expect(voxelsTo(IDENTITY, singular)).toBeNull();
});

describe("levels", () => {
  // Voxel m of level n is the mean of the 2 ** n voxels from 2 ** n * m on.
  const level = (n: number, size: number) => {
    const scale = 2 ** n;
    const shift = (scale - 1) / 2;
    const affine = [scale, 0, 0, shift, 0, scale, 0, shift, 0, 0, scale, shift, 0, 0, 0, 1];
    return { affine, shape: [1, size / scale, size / scale, size / scale] as const };
  };
  const levels = [level(0, 4096), level(1, 4096), level(2, 4096)];
  const [axial] = planesOf(IDENTITY, [1, 4096, 4096, 4096], "radiological");

  it("are chosen by the size of a pixel", () => {
    expect([0.1, 1, 1.9, 2, 3.9, 4, 100].map((pixel) => levelFor(levels, axial!, pixel))).toEqual([
      0, 0, 0, 1, 1, 2, 2,
    ]);
  });

  it("are read where they are seen, in whole voxels, whichever way the axes run", () => {
    const seen = { left: 1000, top: 2000, right: 1400, bottom: 2300 };
    for (const [n, one] of levels.entries()) {
      const toLevel = voxelsTo(IDENTITY, one.affine)!;
      const { part, pitch } = partOf(axial!, one, toLevel, seen);
      expect(pitch).toEqual([2 ** n, 2 ** n]);
      expect(part.left).toBeLessThanOrEqual(seen.left);
      expect(part.right).toBeGreaterThanOrEqual(seen.right);
      expect(part.right - part.left).toBeLessThanOrEqual(2 ** n * 768);
      const grid = gridOver(axial!, part, pitch, 10);
      const matrix = through(toLevel, grid.toVoxel);
      // The points are voxels of the level, not places between them.
      for (const row of [0, 1]) {
        const [a, b, c] = matrix.slice(3 * row);
        expect(Math.abs(a!) + Math.abs(b!)).toBeCloseTo(1, 9);
        expect(c).toBeCloseTo(Math.round(c!), 9);
      }
    }
  });
});

it("reads a small plane whole, whatever is seen of it", () => {
  const level = { affine: IDENTITY, shape: [1, 256, 256, 256] as const };
  const [axial] = planesOf(IDENTITY, level.shape, "radiological");
  const { part } = partOf(axial!, level, IDENTITY, { left: 10, top: 10, right: 20, bottom: 20 });
  expect(part).toEqual({ left: 0, top: 0, right: 256, bottom: 256 });
});

it("tells parallel grids from turned ones", () => {
  expect(isAligned([0, 2, 0, 5, -1, 0, 0, 3, 0, 0, 4, 1, 0, 0, 0, 1])).toBe(true);
  expect(isAligned([1, 0.01, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])).toBe(false);
});
