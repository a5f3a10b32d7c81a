import { isDType, isImageDataBackend, isTensor, spacingOf } from "@lazyimg/core";
import { check, same, sameList, show } from "../check.js";
import type { Rule } from "../subject.js";

/** What is known as soon as the image is open. */
export const metadata: readonly Rule[] = [
  {
    name: "isImageDataBackend recognises it",
    run({ backend }) {
      check(isImageDataBackend(backend), "isImageDataBackend(backend) is false.");
    },
  },
  {
    name: "the source can be counted, or is a tensor in memory",
    run({ source }) {
      check(
        isTensor(source) || typeof source?.requests === "number",
        "There is no `source`; give a counter of what the backend reads (countingSource, countingStore, misbehavingServer), or the tensor that an image in memory reads.",
      );
    },
  },
  {
    name: "optional members are there as declared",
    run({ backend }, supports) {
      for (const member of ["close", "explain"] as const) {
        const has = backend[member] !== undefined;
        check(
          has === (supports[member] !== false),
          has
            ? `The backend has ${member}(), but supports.${member} is false; declare what it can.`
            : `The backend has no ${member}(); add it, or declare supports: { ${member}: false }.`,
        );
        check(!has || typeof backend[member] === "function", `backend.${member} is no function.`);
      }
    },
  },
  {
    name: "shape is (C, I, J, K)",
    run({ backend, expected }) {
      check(Array.isArray(backend.shape), `shape is ${show(backend.shape)}, no array.`);
      sameList(backend.shape, expected.shape, "shape");
    },
  },
  {
    name: "affine is 16 finite numbers, frozen, as expected",
    run({ backend, affine }) {
      check(Array.isArray(backend.affine), `affine is ${show(backend.affine)}, no array.`);
      check(
        backend.affine.every(Number.isFinite),
        `affine [${backend.affine}] has entries that are not finite.`,
      );
      sameList(backend.affine, affine, "affine");
      check(Object.isFrozen(backend.affine), "affine is not frozen; use createAffine.");
    },
  },
  {
    name: "dtype is that of the stored voxels",
    run({ backend, expected, stored, dtype = (stored ?? expected).dtype }) {
      check(isDType(backend.dtype), `dtype ${show(backend.dtype)} is none of core's.`);
      same(backend.dtype, dtype, "dtype");
    },
  },
  {
    name: "valueDtype, where given, is what read() gives",
    run({ backend, expected }) {
      same(backend.valueDtype ?? backend.dtype, expected.dtype, "valueDtype ?? dtype");
    },
  },
  {
    name: "levels, where there are any, begin with the image itself",
    run({ backend }) {
      const { levels } = backend;
      if (levels === undefined) return;
      check(Array.isArray(levels) && levels.length > 0, "levels is no list of levels.");
      sameList(levels[0]!.shape, backend.shape, "shape of the first level");
      let before = Number.POSITIVE_INFINITY;
      for (const { shape, affine, spacing, bytes } of levels) {
        same(shape.length, 4, "sizes of a level");
        same(affine.length, 16, "numbers of a level's affine");
        sameList(spacing, spacingOf(affine), "spacing of a level");
        check(bytes <= before, "levels are not ordered from the finest to the coarsest.");
        before = bytes;
      }
    },
  },
];
