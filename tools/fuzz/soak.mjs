/**
 * Mixed reads of every container for a while, in bounded memory: node tools/fuzz/soak.mjs [--seconds S] [--seed N]
 *
 * Images are opened and closed, read whole and in parts, aborted, sliced and turned, from memory, from disk and from a
 * server that fails now and then. Voxels are compared with those that were written. Exits with 1 where one is wrong, where
 * anything but an abort or a LazyImageError is thrown, or where memory, descriptors or timers grow.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { writeNiftiZarr } from "@lazyimg/backend-zarr";
import { bytesOf, isLazyImageError, slice } from "@lazyimg/core";
import { volume } from "@lazyimg/testkit";
import { misbehavingServer } from "@lazyimg/testkit/server";
import { Image, openImage } from "lazyimg";
import { Random } from "./random.mjs";

const { values } = parseArgs({ options: { seconds: { type: "string" }, seed: { type: "string" } } });
const seconds = Number(values.seconds ?? 3600);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
/** Memory that may be taken beyond what the first tenth of the time took. */
const GROWTH = 96 * 2 ** 20;
/** Reads at a time. */
const LANES = 6;
const CONTAINERS = ["scan.nii", "scan.nii.gz", "scan.zarr", "scan.zarr.zip"];
const FAULTS = [
  { kind: "reset", bytes: 500 },
  { kind: "truncate", bytes: 100 },
  { kind: "ignore-range" },
  { kind: "short", bytes: 70_000 },
  { kind: "status", status: 503, retryAfter: 0 },
];

const { zipSync } = createRequire(new URL("../../packages/backend-zarr/package.json", import.meta.url))(
  "fflate",
);
const folder = mkdtempSync(join(tmpdir(), "lazyimg-soak-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const shape = [2, 72, 64, 48];
const { tensor, affine } = volume({ dtype: "int16", shape });
const made = Image.fromTensor(tensor, affine);
await made.save(join(folder, "scan.nii"));
await made.save(join(folder, "scan.nii.gz"));
const store = new Map();
await writeNiftiZarr(made.dataobj, store, { chunk: 16, levels: 2, codec: "zstd" });
const below = Object.fromEntries([...store].map(([key, bytes]) => [key.slice(1), bytes]));
writeFileSync(join(folder, "scan.zarr.zip"), zipSync(below, { level: 0 }));
for (const [key, bytes] of Object.entries(below)) {
  mkdirSync(dirname(join(folder, "scan.zarr", key)), { recursive: true });
  writeFileSync(join(folder, "scan.zarr", key), bytes);
}
const files = Object.fromEntries(
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath ?? entry.path, entry.name);
      return [path.slice(folder.length + 1), new Uint8Array(readFileSync(path))];
    }),
);
const server = await misbehavingServer(files);

const wrong = [];
for (const event of ["unhandledRejection", "uncaughtException"]) {
  process.on(event, (error) => wrong.push(`${event}: ${error?.stack ?? error}`));
}

const counts = { reads: 0, aborted: 0, refused: 0, images: 0 };

function regionOf(random) {
  return shape.map((size, axis) => {
    const first = random.below(size);
    if (random.chance(axis === 0 ? 0.8 : 0.3)) return first;
    const step = random.pick([1, 1, 1, 2, 3, -1]);
    const last = first + step * (1 + random.below(size));
    return slice(first, last < 0 ? null : last, step);
  });
}

async function useOne(random) {
  const container = random.pick(CONTAINERS);
  const kind = random.below(container === "scan.zarr" ? 2 : 3);
  const options = { readerOptions: { retries: 6, cacheBytes: 1 << 20 } };
  const source =
    kind === 0 ? join(folder, container) : kind === 1 ? server.url + container : files[container];
  if (kind === 2) options.name = container;
  const image = await openImage(source, options);
  counts.images++;
  try {
    await Promise.all(Array.from({ length: 1 + random.below(4) }, () => readOne(image, random)));
    if (random.chance(0.1)) {
      const index = [0, slice(4, 40, 3), null, 7];
      const part = image.slice(index);
      same(await part.read(), tensor.slice(index), `${container}, sliced`);
      await part.close();
    }
  } finally {
    await image.close();
  }
}

function same(found, wanted, what) {
  const [a, b] = [found, wanted].map((one) => bytesOf(one.copy("C").data));
  if (Buffer.compare(a, b) !== 0) wrong.push(`${what}: wrong voxels`);
}

async function readOne(image, random) {
  const index = regionOf(random);
  const controller = new AbortController();
  const abort = random.chance(0.3);
  if (abort) setTimeout(() => controller.abort("enough"), random.below(20));
  try {
    const found = await image.read(index, { signal: controller.signal });
    same(found, tensor.slice(index), JSON.stringify(index));
    counts.reads++;
  } catch (error) {
    if (abort && error === "enough") counts.aborted++;
    else if (isLazyImageError(error, "ERR_HTTP")) counts.refused++;
    else wrong.push(`${JSON.stringify(index)}: ${error?.stack ?? error}`);
  }
}

const begun = performance.now();
const elapsed = () => (performance.now() - begun) / 1000;
let most = 0;
let warm = 0;
let number = 0;
const handles = () => (process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0);
let handlesWarm = 0;

const watch = setInterval(() => {
  const { rss } = process.memoryUsage();
  if (elapsed() < seconds / 5) {
    warm = Math.max(warm, rss);
    handlesWarm = Math.max(handlesWarm, handles());
  } else most = Math.max(most, rss);
  if (random.chance(0.3)) server.behave();
  else server.misbehave(random.pick(FAULTS), { times: 2 + random.below(3) });
  server.reset();
}, 200);
const random = new Random(seed, 0);

await Promise.all(
  Array.from({ length: LANES }, async () => {
    while (elapsed() < seconds && wrong.length === 0) {
      await useOne(new Random(seed, ++number)).catch((error) => {
        if (isLazyImageError(error, "ERR_HTTP")) counts.refused++;
        else wrong.push(String(error?.stack ?? error));
      });
    }
  }),
);
clearInterval(watch);
await server.close();
await new Promise((resolve) => setTimeout(resolve, 100));

const mib = (bytes) => Math.round(bytes / 2 ** 20);
if (most > warm + GROWTH) wrong.push(`memory grew from ${mib(warm)} to ${mib(most)} MiB`);
if (handles() > handlesWarm) wrong.push(`descriptors grew from ${handlesWarm} to ${handles()}`);
const left = process.getActiveResourcesInfo().filter((kind) => !/TTY|Pipe|^FSReq/.test(kind));
console.log(
  `seed ${seed}: ${counts.images} images, ${counts.reads} reads, ${counts.aborted} aborted, ${counts.refused} refused in ` +
    `${Math.round(elapsed())} s; ${mib(warm)} MiB at first, at most ${mib(most)} MiB later; left: ${left.join(", ") || "nothing"}`,
);
for (const what of wrong.slice(0, 10)) console.error(what);
process.exitCode = wrong.length > 0 ? 1 : 0;
// Whatever is left open would keep the process alive: that is a failure too.
setTimeout(() => {
  console.error(`does not end: ${process.getActiveResourcesInfo().join(", ")}`);
  process.exit(1);
}, 10_000).unref();
