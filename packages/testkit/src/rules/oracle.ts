import { isTensor, type Tensor } from "@lazyimg/core";
import { check, same, sameList } from "../check.js";
import type { Rule } from "../subject.js";

/** Whether the tensor looks the same from both ends of an axis. */
function isSymmetric(tensor: Tensor, axis: number): boolean {
  const flipped = tensor.slice(
    tensor.shape.map((_, n) => ({ start: null, stop: null, step: n === axis ? -1 : 1 })),
  );
  const a = tensor.copy().data;
  const b = flipped.copy().data;
  return a.every((value: number | bigint, n: number) => Object.is(value, b[n]));
}

/** What the suite is compared with must be able to show a fault. */
export const oracle: readonly Rule[] = [
  {
    name: "the expected voxels can show a flipped, shifted or swapped axis",
    run({ expected, stored, affine }) {
      check(isTensor(expected), "`expected` is no Tensor.");
      expected.shape.forEach((size, axis) => {
        check(size > 0, `The expected voxels are empty along axis ${axis}; no read could be wrong.`);
        check(
          size === 1 || !isSymmetric(expected, axis),
          `The expected voxels are symmetric along axis ${axis}; use values that differ, such as volume() makes.`,
        );
      });
      const sizes = expected.shape.filter((size) => size > 1);
      check(
        sizes.length > 1 && new Set(sizes).size === sizes.length,
        `The expected shape is (${expected.shape}); use two axes or more that are longer than 1, all of different sizes.`,
      );
      if (stored) sameList(stored.shape, expected.shape, "shape of `stored`");
      same(affine?.length, 16, "length of the expected affine");
    },
  },
];
