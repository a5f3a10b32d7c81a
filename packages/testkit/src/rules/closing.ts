import { isLazyImageError } from "@lazyimg/core";
import { check, outcomeOf, rejectsWith, resolves, same, sameList, sameTensor, show } from "../check.js";
import { counterOf, type Rule } from "../subject.js";

/** After `close()`, `ERR_CLOSED`. */
export const closing: readonly Rule[] = [
  {
    name: "after close(), reads reject with ERR_CLOSED, nothing is read, and metadata stay",
    async run(subject, { close }) {
      if (!close) return;
      const { backend, expected } = subject;
      const source = counterOf(subject);
      same(await backend.close!(), undefined, "what close() resolves to");
      const requests = source?.requests;
      await rejectsWith(["ERR_CLOSED"], () => backend.read(), "read() after close()");
      await rejectsWith(["ERR_CLOSED"], () => backend.read([0, 0, 0, 0]), "read() of a voxel after close()");
      await rejectsWith(["ERR_CLOSED"], () => backend.toTensor(), "toTensor() after close()");
      same(source?.requests, requests, "requests after reads of a closed image");
      sameList(backend.shape, expected.shape, "shape after close()");
    },
  },
  {
    name: "close() twice is no event",
    async run({ backend }, { close }) {
      if (!close) return;
      await Promise.all([1, 2, 3].map(() => resolves(() => backend.close!(), "close(), once more")));
      await resolves(() => backend.close!(), "close() after close()");
    },
  },
  {
    name: "close() during a read: it ends with its voxels or with ERR_CLOSED",
    async run({ backend, expected }, { close }) {
      if (!close) return;
      const reads = [backend.read(), backend.read(0), backend.toTensor()];
      for (const read of reads) read.catch(() => undefined);
      await backend.close!();
      for (const [n, read] of reads.entries()) {
        const what = "A read during which close() was called";
        const outcome = await outcomeOf(() => read, what);
        if ("value" in outcome) sameTensor(outcome.value, n === 1 ? expected.slice(0) : expected, what);
        else
          check(
            isLazyImageError(outcome.error, "ERR_CLOSED"),
            `${what} rejected with ${show(outcome.error)}.`,
          );
      }
    },
  },
];
