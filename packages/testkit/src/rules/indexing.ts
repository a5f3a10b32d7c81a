import { type Index, slice } from "@lazyimg/core";
import { check, rejectsWith, resolves, same, sameList, sameTensor, show } from "../check.js";
import { badIndices, indexCases } from "../index-cases.js";
import type { Rule } from "../subject.js";

/** Regions are those of the full tensor. */
export const indexing: readonly Rule[] = [
  {
    name: "toTensor() gives every voxel",
    async run({ backend, expected }) {
      sameTensor(await backend.toTensor(), expected, "toTensor()");
    },
  },
  {
    name: "an integer keeps its axis with size 1",
    async run({ backend }) {
      const [c, i, j, k] = backend.shape;
      sameList((await backend.read(0)).shape, [1, i, j, k], "shape of read(0)");
      sameList((await backend.read([null, 0])).shape, [c, 1, j, k], "shape of read([null, 0])");
      sameList((await backend.read([null, null, -1])).shape, [c, i, 1, k], "shape of read([null, null, -1])");
      sameList((await backend.read(["...", -1])).shape, [c, i, j, 1], 'shape of read(["...", -1])');
      sameList((await backend.read([0, 0, 0, 0])).shape, [1, 1, 1, 1], "shape of read([0, 0, 0, 0])");
    },
  },
  {
    name: "every kind of index gives that region of the full tensor",
    async run({ backend, expected }) {
      for (const index of indexCases(backend.shape)) {
        const region = expected.slice(index ?? "...");
        sameTensor(await backend.read(index), region, `read(${show(index)})`);
      }
    },
  },
  {
    name: "every voxel plane along every axis is its own",
    async run({ backend, expected }) {
      for (const axis of [0, 1, 2, 3]) {
        for (let n = 0; n < Math.min(backend.shape[axis]!, 40); n++) {
          const index: Index = [...new Array<null>(axis).fill(null), n];
          sameTensor(await backend.read(index), expected.slice(index), `read(${show(index)})`);
        }
      }
    },
  },
  {
    name: "an empty region has its shape and no voxels",
    async run({ backend, expected }) {
      const [c, , j, k] = backend.shape;
      const result = await resolves(() => backend.read([null, slice(0, 0)]), "read() of nothing");
      sameList(result.shape, [c, 0, j, k], "shape of an empty region");
      same(result.dtype, expected.dtype, "dtype of an empty region");
      same(result.size, 0, "size of an empty region");
    },
  },
  {
    name: "a bad index rejects with ERR_INDEX and a message",
    async run({ backend }) {
      for (const [why, index] of badIndices(backend.shape)) {
        await rejectsWith(["ERR_INDEX"], () => backend.read(index as Index), `read(${show(index)}), ${why}`);
      }
      const error = await backend.read(backend.shape[0]).catch((reason: unknown) => reason as Error);
      check((error as Error).message.length > 10, "The error of a bad index says nothing.");
    },
  },
];
