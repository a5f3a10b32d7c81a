import { DTYPES, type Index, type LazyImageError, type ReadPlan, slice } from "@lazyimg/core";
import { check, pause, same, show } from "../check.js";
import type { Rule } from "../subject.js";

const regions: readonly (Index | undefined)[] = [
  [0, 0, 0, 0],
  [null, null, null, 0],
  [null, null, -1],
  [null, 0],
  [null, slice(1, null), slice(null, null, 2), slice(null, null, -1)],
  undefined,
];

function checkPlan(plan: ReadPlan, what: string): void {
  for (const part of ["requests", "bytes", "outputBytes", "peakBytes"] as const) {
    const value = plan?.[part];
    check(Number.isSafeInteger(value) && value >= 0, `${what}.${part} is ${show(value)}, no count.`);
  }
}

/** Headers are read when an image is opened, and voxels when they are asked for. */
export const cost: readonly Rule[] = [
  {
    name: "opening reads the header and no more",
    async run({ source, openBytes = 4096 }) {
      if (source === undefined) return;
      const size = await source.size();
      // What runs in the background counts, too.
      await pause();
      check(
        size === null || size > openBytes,
        `The source has ${size} bytes, so that opening could read all of it within openBytes (${openBytes}); use a larger volume or a tighter bound.`,
      );
      check(
        source.bytes <= openBytes,
        `Opening read ${source.bytes} bytes in ${source.requests} requests; openBytes allows ${openBytes}.`,
      );
    },
  },
  {
    name: "metadata cost nothing",
    run({ backend, source }) {
      if (source === undefined) return;
      const { requests } = source;
      void [
        backend.shape,
        backend.affine,
        backend.dtype,
        backend.header,
        backend.levels,
        backend.affineSource,
      ];
      same(source.requests, requests, "requests after looking at the metadata");
    },
  },
  {
    name: "an empty region reads nothing",
    async run({ backend, source }) {
      if (source === undefined) return;
      const { requests } = source;
      await backend.read([null, slice(0, 0)]);
      same(source.requests, requests, "requests after reading an empty region");
    },
  },
  {
    name: "explain() tells the output's size and reads nothing",
    async run({ backend, source, expected, stored = expected }, { explain, views }) {
      if (!explain) return;
      const before = source?.requests;
      for (const index of [...regions, [null, slice(0, 0)]]) {
        for (const [options, dtype] of [
          [{}, expected.dtype],
          [{ scaled: false }, stored.dtype],
          [{ dtype: "float32" }, "float32"],
        ] as const) {
          const what = `explain(${show(index)}, ${show(options)})`;
          const plan = backend.explain!(index as Index, options);
          checkPlan(plan, what);
          const bytes = expected.slice((index as Index) ?? "...").size * DTYPES[dtype].itemSize;
          same(plan.outputBytes, bytes, `${what}.outputBytes`);
          check(
            views || plan.peakBytes >= plan.outputBytes,
            `${what}: peakBytes ${plan.peakBytes} is less than the ${plan.outputBytes} of the result, which it includes.`,
          );
        }
      }
      same(source?.requests, before, "requests after explain()");
    },
  },
  {
    name: "explain() of a bad index throws ERR_INDEX",
    run({ backend }, { explain }) {
      if (!explain) return;
      try {
        backend.explain!([null, null, null, null, 0] as Index);
      } catch (error) {
        same((error as LazyImageError | null)?.code, "ERR_INDEX", "code of explain()'s error");
        return;
      }
      check(false, "explain() took an index of five items.");
    },
  },
  {
    name: "a read costs no more than explain() told, and a part less than all",
    async run({ backend, source }, { explain }) {
      if (!explain) return;
      const all = backend.explain!();
      for (const index of regions) {
        const what = `explain(${show(index)})`;
        const plan = backend.explain!(index);
        check(
          plan.bytes <= all.bytes && plan.outputBytes <= all.outputBytes,
          `${what} tells more bytes than for the whole image: ${show(plan)} against ${show(all)}.`,
        );
        if (source === undefined) continue;
        source.reset();
        await backend.read(index);
        check(
          source.bytes <= plan.bytes && source.requests <= plan.requests,
          `read(${show(index)}) took ${source.bytes} bytes in ${source.requests} requests, but ${what} told ${show(plan)}.`,
        );
      }
    },
  },
  {
    name: "one voxel takes less than the whole source",
    async run({ backend, source }) {
      const size = await source?.size();
      if (source === undefined || size === null || size === undefined) return;
      await backend.read([0, 0, 0, 0]);
      check(
        source.bytes < size,
        `Opening and reading one voxel took ${source.bytes} bytes of a source of ${size}.`,
      );
    },
  },
  {
    name: "onProgress, where it is called, grows toward its total",
    async run({ backend }) {
      let before = 0;
      const faults: string[] = [];
      const onProgress = ({ bytes, totalBytes }: { bytes: number; totalBytes: number }): void => {
        if (!(bytes >= before && bytes <= totalBytes))
          faults.push(`${bytes} of ${totalBytes} after ${before}`);
        before = bytes;
      };
      await backend.toTensor({ onProgress });
      check(faults.length === 0, `onProgress was told ${faults.join(", ")}.`);
    },
  },
];
