// zarrita's own `get`, and fizarrita's on worker threads: from a URL (Zarr v3) or a folder (v2).
import { availableParallelism } from "node:os";

const peer = (name) => import(`../peers/zarrita/node_modules/${name}`);

async function imageOf(path, getter) {
  const { FetchStore, open, slice } = await peer("zarrita/dist/src/index.js");
  const { default: FileSystemStore } = await peer("@zarrita/storage/dist/src/fs.js");
  const array = path.startsWith("http:")
    ? await open.v3(new FetchStore(`${path}/0`), { kind: "array" })
    : await open.v2(new FileSystemStore(`${path}/0`), { kind: "array" });
  return {
    async read([c, ...spatial]) {
      // (K, J, I), of a series (T, K, J, I), as NIfTI-Zarr has it.
      const items = [...(array.shape.length > 3 ? [c] : []), ...spatial.reverse()];
      return (
        await getter(
          array,
          items.map((item) => (Array.isArray(item) ? slice(...item) : item)),
        )
      ).data;
    },
    close() {},
  };
}

export async function zarrita({ path }) {
  const { get } = await peer("zarrita/dist/src/index.js");
  return imageOf(path, get);
}

let pool;

export async function fizarrita({ path }) {
  await import("../peers/zarrita/web-worker.mjs");
  const { getWorker } = await peer("@fideus-labs/fizarrita/dist/index.js");
  const { WorkerPool } = await peer("@fideus-labs/worker-pool/dist/index.js");
  pool ??= new WorkerPool(availableParallelism());
  return imageOf(path, (array, selection) => getWorker(array, selection, { pool }));
}
