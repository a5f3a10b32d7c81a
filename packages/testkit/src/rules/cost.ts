import { DTYPES, type Index, type LazyImageError, type ReadPlan, slice } from "@lazyimg/core";
import { check, pause, same, show } from "../check.js";
import { counterOf, type Rule } from "../subject.js";

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
    name: "opening reads the header and no more, or everything, as declared",
    async run(subject, { eager }) {
      const { openBytes = 4096 } = subject;
      const source = counterOf(subject);
      check(
        source !== undefined || !eager,
        "supports.eager is true, but `source` is in memory; leave one of them out.",
      );
      if (source === undefined) return;
      const size = await source.size();
      // What runs in the background counts, too.
      await pause();
      if (eager) {
        check(
          source.bytes >= (size ?? 1),
          `Opening read ${source.bytes} bytes of ${size}, but supports.eager is true; leave that out.`,
        );
        return;
      }
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
    run(subject) {
      const { backend } = subject;
      const source = counterOf(subject);
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
    async run(subject) {
      const { backend } = subject;
      const source = counterOf(subject);
      if (source === undefined) return;
      const { requests } = source;
      await backend.read([null, slice(0, 0)]);
      same(source.requests, requests, "requests after reading an empty region");
    },
  },
  {
    name: "explain() tells the output's size and reads nothing",
    async run(subject, { explain, views }) {
      if (!explain) return;
      const { backend, expected, stored = expected } = subject;
      const source = counterOf(subject);
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
    name: "explain() tells of a part no more than of everything",
    run({ backend }, { explain }) {
      if (!explain) return;
      const all = backend.explain!();
      for (const index of regions) {
        const plan = backend.explain!(index);
        check(
          plan.bytes <= all.bytes && plan.outputBytes <= all.outputBytes,
          `explain(${show(index)}) tells more than explain() of the whole image: ${show(plan)} against ${show(all)}.`,
        );
      }
    },
  },
  {
    name: "a read costs no more than explain() told, as declared",
    async run(subject, { explain }) {
      const { backend } = subject;
      const source = counterOf(subject);
      if (!explain || source === undefined) return;
      const size = (await source.size()) ?? Number.POSITIVE_INFINITY;
      const plans = () => show(regions.map((index) => backend.explain!(index)));
      const before = plans();
      let exceeded = false;
      const readAll = async (isBound: boolean): Promise<void> => {
        for (const index of regions) {
          const plan = backend.explain!(index);
          source.reset();
          await backend.read(index);
          const isKept = source.bytes <= plan.bytes && source.requests <= plan.requests;
          exceeded ||= !isKept;
          const what = `read(${show(index)}) took ${source.bytes} bytes in ${source.requests} requests`;
          check(isKept || !isBound, `${what}, but explain() told ${show(plan)}.`);
          check(isBound || source.bytes <= size, `${what}, of a source that has ${size}.`);
        }
      };
      if (explain === "estimate") {
        await readAll(false);
        check(
          exceeded || plans() !== before,
          'explain() tells the same before and after, and no read took more, but supports.explain is "estimate"; leave that out.',
        );
      }
      await readAll(true);
    },
  },
  {
    name: "one voxel takes less than the whole source",
    async run(subject, { eager }) {
      const source = counterOf(subject);
      const size = await source?.size();
      if (source === undefined || eager || size === null || size === undefined) return;
      await subject.backend.read([0, 0, 0, 0]);
      check(
        source.bytes < size,
        `Opening and reading one voxel took ${source.bytes} bytes of a source of ${size}.`,
      );
    },
  },
  {
    name: "an eager image reads nothing later",
    async run(subject, { eager }) {
      const source = counterOf(subject);
      if (source === undefined || !eager) return;
      source.reset();
      await subject.backend.read([0, 0, 0, 0]);
      await subject.backend.toTensor();
      same(source.requests, 0, "requests of reads, where supports.eager is true,");
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
