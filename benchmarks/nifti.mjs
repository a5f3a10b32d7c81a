// NIfTI on disk: lazyimg, nibabel, and the best plan written by hand for each region through the same asynchronous file
// API into fresh memory (the limit). `node benchmarks/nifti.mjs` prints a Markdown table.
import { execFileSync } from "node:child_process";
import { openSync, read } from "node:fs";
import { fileURLToPath } from "node:url";
import { nifti } from "@lazyimg/backend-nifti";
import { slice } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { inTurns, show, table, time } from "./measure.mjs";
import { startPeer } from "./peer.mjs";
import { volumeFile } from "./volumes.mjs";

const HEADER = 352;
const cube = await volumeFile([1, 512, 512, 400]);
const odd = await volumeFile([1, 511, 513, 401]);
const series = await volumeFile([300, 64, 64, 40]);
const peer = startPeer("nibabel_peer.py");

const descriptors = new Map([cube, odd, series].map((path) => [path, openSync(path)]));
/** One positional read into memory of the caller's. */
const readInto = (path, target, position) =>
  new Promise((resolve, reject) => {
    read(descriptors.get(path), target, 0, target.length, position, (error, count) =>
      error ? reject(error) : resolve(count),
    );
  });
/** Takes jobs in several loops at once, each with scratch memory of its own. */
async function inLoops(loops, jobs, scratchBytes, work) {
  let next = 0;
  const loop = async () => {
    const scratch = new Int16Array(scratchBytes / 2);
    const bytes = new Uint8Array(scratch.buffer);
    while (next < jobs) await work(next++, scratch, bytes);
  };
  await Promise.all(Array.from({ length: loops }, loop));
}

const PLANE = 512 * 512 * 2;
const limits = {
  async axial() {
    const result = new Int16Array(PLANE / 2);
    await readInto(cube, new Uint8Array(result.buffer), HEADER + 200 * PLANE);
  },
  async block() {
    const result = new Int16Array(64 ** 3);
    await inLoops(6, 64, 63 * 1024 + 128, async (k, scratch, bytes) => {
      await readInto(cube, bytes, HEADER + (200 + k) * PLANE + 200 * 1024 + 400);
      for (let j = 0; j < 64; j++) result.set(scratch.subarray(j * 512, j * 512 + 64), k * 4096 + j * 64);
    });
  },
  async sagittal() {
    const result = new Int16Array(512 * 400);
    await inLoops(2, 200, 2 * PLANE, async (pair, scratch, bytes) => {
      await readInto(cube, bytes, HEADER + 2 * pair * PLANE);
      for (let n = 0; n < 1024; n++) result[pair * 1024 + n] = scratch[n * 512 + 255];
    });
  },
  async series() {
    const result = new Int16Array(300);
    const bytes = new Uint8Array(result.buffer);
    const at = 2 * (31 + 64 * 32 + 4096 * 20);
    let next = 0;
    const loop = async () => {
      while (next < 300) {
        const c = next++;
        await readInto(series, bytes.subarray(2 * c, 2 * c + 2), HEADER + c * 327680 + at);
      }
    };
    await Promise.all(Array.from({ length: 6 }, loop));
  },
  async volume() {
    const result = new Int16Array(64 * 64 * 40);
    await readInto(series, new Uint8Array(result.buffer), HEADER + 150 * 327680);
  },
};

const range = (start, stop) => [start, stop, null];
const works = [
  {
    name: "axial slice",
    path: cube,
    index: [0, null, null, 200],
    limit: limits.axial,
    wanted: "1.3",
    rounds: 40,
  },
  {
    name: "64-cubed block",
    path: cube,
    index: [0, range(200, 264), range(200, 264), range(200, 264)],
    limit: limits.block,
    wanted: "1.3",
    rounds: 40,
  },
  {
    name: "sagittal slice",
    path: cube,
    index: [0, 255, null, null],
    limit: limits.sagittal,
    wanted: "1.2",
    rounds: 11,
  },
  {
    name: "voxel through time",
    path: series,
    index: [null, 31, 32, 20],
    limit: limits.series,
    wanted: "1.5",
    rounds: 40,
  },
  {
    name: "one volume of a series",
    path: series,
    index: [150, null, null, null],
    limit: limits.volume,
    rounds: 40,
  },
  {
    name: "full, C order, 512 x 512 x 400",
    path: cube,
    index: [null, null, null, null],
    order: "C",
    rounds: 5,
  },
  {
    name: "full, C order, 511 x 513 x 401",
    path: odd,
    index: [null, null, null, null],
    order: "C",
    rounds: 5,
  },
  { name: "full series, C order", path: series, index: [null, null, null, null], order: "C", rounds: 5 },
];

const rows = [];
for (const { name, path, index, limit, order, wanted, rounds } of works) {
  const image = await openImage(path, { backends: [nifti] });
  const items = index.map((item) => (Array.isArray(item) ? slice(...item) : item));
  const command = (mode) => ({
    path,
    mode,
    order,
    index: index.map((item) => (typeof item === "number" ? [item, item + 1] : item)),
  });
  const result = await inTurns(
    {
      ours: () =>
        time(async () => {
          const tensor = await image.read(items);
          if (order === "C") tensor.contiguous("C");
        }),
      ...(limit && { limit: () => time(limit) }),
      ...(peer && { memmap: () => peer.ask(command("memmap")), dataobj: () => peer.ask(command("dataobj")) }),
    },
    rounds,
  );
  await image.close();
  const ratio =
    result.limit === undefined
      ? ""
      : `${(result.ours / result.limit).toFixed(2)}${wanted ? ` (at most ${wanted})` : ""}`;
  const faster = result.memmap === undefined ? "" : (result.memmap / result.ours).toFixed(2);
  rows.push([
    name,
    show(result.ours),
    show(result.limit),
    ratio,
    show(result.memmap),
    show(result.dataobj),
    faster,
  ]);
}

// As whole processes: what it costs to ask for a header and nothing else.
const script = fileURLToPath(new URL("../packages/lazyimg/bin/lazyimg.cjs", import.meta.url));
const empty = fileURLToPath(new URL("./empty-process.mjs", import.meta.url));
const run = (...args) => time(() => execFileSync(process.execPath, args));
const processes = await inTurns({ ours: () => run(script, "info", cube), limit: () => run(empty) }, 15);
rows.push([
  "`lazyimg info`, whole process; the limit is an empty one",
  show(processes.ours),
  show(processes.limit),
  `${(processes.ours / processes.limit).toFixed(2)} (at most 1.3)`,
  "",
  "",
  "",
]);
peer?.stop();

console.log(
  table(
    [
      "work",
      "lazyimg ms",
      "limit ms",
      "lazyimg / limit",
      "nibabel memmap ms",
      "nibabel dataobj ms",
      "nibabel memmap / lazyimg",
    ],
    rows,
  ),
);
