import { createAffine, type Shape4D, sizeOf, Tensor } from "@lazyimg/core";
import { openImage, orientationOf } from "@lazyimg/image";
import { describe, expect, test } from "vitest";
import { golden, parseIndex } from "../../../tests/support/golden.js";

interface Affines {
  readonly orientations: readonly { affine: number[]; axcodes: string | string[] }[];
  readonly reorientations: readonly { target: string; shape: number[]; affine: number[]; data: string }[];
  readonly crops: readonly { index: string; shape: number[]; affine: number[]; data: string }[];
  readonly reorientShape: Shape4D;
  readonly cropShape: Shape4D;
  readonly volumeAffine: number[];
}

const vectors = golden<Affines>("affines.json");

/** A volume whose voxels are 0, 1, 2, ... in C order. */
function counting(shape: readonly number[]): Tensor<"uint8"> {
  const shape4 = (shape.length === 3 ? [1, ...shape] : shape) as unknown as Shape4D;
  const data = Uint8Array.from({ length: sizeOf(shape4) }, (_, n) => n);
  return new Tensor({ data, dtype: "uint8", shape: shape4 });
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toEqual(expected.map((value) => expect.closeTo(value, 12)));
}

const decode = (base64: string) => [...Buffer.from(base64, "base64")];
const four = (shape: readonly number[]) => (shape.length === 3 ? [1, ...shape] : shape);

test.each(vectors.orientations)("orientation of $affine is $axcodes", ({ affine, axcodes }) => {
  expect(orientationOf(createAffine(affine))).toBe([...axcodes].join(""));
});

describe("reorienting, as nibabel's as_reoriented", () => {
  test.each(vectors.reorientations)("to $target", async ({ target, shape, affine, data }) => {
    const image = await openImage(counting(vectors.reorientShape), { affine: vectors.volumeAffine });
    const turned = image.toOrientation(target);
    expect(turned.orientation).toBe(target);
    expect(turned.shape).toEqual(four(shape));
    expectClose(turned.affine, affine);
    expect([...(await turned.read()).contiguous().data]).toEqual(decode(data));
    // Turning back gives the image again, as a view of a view.
    const back = turned.toOrientation(image.orientation);
    expect([...(await back.read()).contiguous().data]).toEqual([...counting(vectors.reorientShape).data]);
    expectClose(back.affine, image.affine);
  });
});

describe("cropping", () => {
  test.each(vectors.crops)("by $index", async ({ index, shape, affine, data }) => {
    const image = await openImage(counting(vectors.cropShape), { affine: vectors.volumeAffine });
    const part = image.slice(parseIndex(index));
    expect(part.shape).toEqual(four(shape));
    expectClose(part.affine, affine);
    expect([...(await part.read()).contiguous().data]).toEqual(decode(data));
  });
});
