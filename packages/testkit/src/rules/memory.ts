import { type DType, type Index, isTensor, slice } from "@lazyimg/core";
import { check, sameList, sameTensor, scribble, show } from "../check.js";
import type { Rule } from "../subject.js";

const regions: readonly Index[] = [
  "...",
  [0, 0],
  [null, slice(1, null, 2)],
  [null, null, null, slice(null, null, -1)],
];

/** Who owns what. */
export const memory: readonly Rule[] = [
  {
    name: "what read() gives is the caller's own memory, unless views are declared",
    async run({ backend, expected }, { views }) {
      for (const index of regions) {
        const what = `read(${show(index)})`;
        const region = expected.slice(index).copy();
        const other = await backend.read(index);
        const restore = scribble(await backend.read(index));
        const after = await backend.read(index);
        if (views) {
          check(
            other.data.buffer === after.data.buffer,
            `${what} gives memory of its own each time, but supports.views is true; declare what it does.`,
          );
          restore();
        } else {
          sameTensor(other, region, `${what}, after the result of another read was changed,`);
        }
        sameTensor(await backend.read(index), region, `${what}, after an earlier result was changed,`);
      }
    },
  },
  {
    name: "a cast or raw read is no less the caller's own",
    async run({ backend, expected, stored = expected }, { views }) {
      for (const dtype of ["float32", "float64", stored.dtype] as DType[]) {
        const options = { dtype, scaled: false };
        const first = await backend.read("...", options);
        if (views && dtype === stored.dtype) continue;
        scribble(first);
        const what = `read("...", ${show(options)}), after an earlier result was changed,`;
        sameTensor(await backend.read("...", options), stored.astype(dtype), what);
        sameTensor(await backend.read(), expected, `read(), after the result of ${what}`);
      }
    },
  },
  {
    name: "what toTensor() gives is memory that nobody else holds",
    async run({ backend, expected }) {
      const first = await backend.toTensor();
      scribble(first);
      sameTensor(await backend.toTensor(), expected, "toTensor(), after an earlier result was changed,");
      sameTensor(await backend.read(), expected, "read(), after the result of toTensor() was changed,");
    },
  },
  {
    name: "out is not kept",
    async run({ backend, expected }) {
      const out = expected.copy().data;
      const result = await backend.read<DType>("...", { out });
      scribble(result);
      sameTensor(await backend.read(), expected, "read(), after `out` of an earlier read was changed,");
    },
  },
  {
    name: "an image in memory shows what is written to that memory",
    async run({ backend, source }) {
      if (!isTensor(source)) return;
      const before = (await backend.read()).copy().data;
      const restore = scribble(source);
      const during = (await backend.read()).copy().data;
      restore();
      const after = (await backend.read()).copy().data;
      const shows = before.some((value: number | bigint, n: number) => !Object.is(value, during[n]));
      check(
        shows,
        "`source` is a tensor, but writing to it changes no voxel that is read; give a counter of what the backend reads.",
      );
      sameList(after, before, "voxels, after the memory was as before,");
    },
  },
];
