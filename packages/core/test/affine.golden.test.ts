import {
  type Affine,
  type Index,
  resolveIndex,
  type Shape4D,
  shapeOf,
  slice,
  spacingOf,
  Tensor,
} from "@lazyimg/core";
import { cropAffine } from "@lazyimg/image";
import { describe, expect, test } from "vitest";
import { golden } from "./support/golden.js";

interface Golden {
  readonly cropShape: Shape4D;
  readonly volumeAffine: Affine;
  readonly crops: readonly { index: string; affine: Affine; data: string; shape: Shape4D }[];
  readonly orientations: readonly { affine: Affine; axcodes: string; voxelSizes: number[] }[];
}
const { crops, cropShape, orientations, volumeAffine } = golden<Golden>("affines.json");

/** An index as the command line has it: ":,1:4:2,...". */
function parse(text: string): Index {
  return text.split(",").map((item) => {
    if (item === "...") return item;
    const parts = item.split(":").map((part) => (part === "" ? null : Number(part)));
    return parts.length === 1 ? parts[0]! : slice(parts[0]!, parts[1]!, parts[2] ?? null);
  });
}

describe("crops keep every voxel where it is", () => {
  const size = cropShape.reduce((a, b) => a * b);
  const tensor = new Tensor({
    data: Uint8Array.from({ length: size }, (_, n) => n),
    dtype: "uint8",
    shape: cropShape,
  });

  test.each(crops.map((crop) => [crop.index, crop] as const))("%s", (_, { index, affine, data, shape }) => {
    const range = resolveIndex(parse(index), cropShape);
    expect(shapeOf(range)).toEqual(shape);
    expect(Buffer.from(tensor.slice(parse(index)).copy().data)).toEqual(Buffer.from(data, "base64"));
    // -0 is 0.
    expect(cropAffine(volumeAffine, range).map((value) => value + 0)).toEqual(affine);
  });
});

test.each(orientations.map((entry) => [entry.axcodes, entry] as const))(
  "spacing of an affine that is %s",
  (_, entry) => {
    const spacing = spacingOf(entry.affine);
    for (const [axis, size] of entry.voxelSizes.entries()) expect(spacing[axis]).toBeCloseTo(size, 12);
  },
);
