/**
 * Mixed reads of every format and container for a while, in bounded memory: node tools/fuzz/soak.mjs [--seconds S] [--seed N]
 *
 * Images are opened and closed, read whole and in parts, aborted, sliced and turned, from memory, from disk and from a
 * server that fails now and then. Voxels are compared with those that were written. Exits with 1 where one is wrong, where
 * anything but an abort or a LazyImageError is thrown, or where memory, descriptors or timers grow.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeNiftiZarr } from "@lazyimg/backend-zarr";
import { bytesSource } from "@lazyimg/byte-source";
import { bytesOf, isLazyImageError, slice, Tensor } from "@lazyimg/core";
import { itk } from "@lazyimg/reader-itk/backend";
import { buildIndex, writeIndex } from "@lazyimg/seekable-gzip";
import { volume } from "@lazyimg/testkit";
import { misbehavingServer } from "@lazyimg/testkit/server";
import { Image, openImage } from "../../tests/faults/support/every-format.mjs";
import { otherFormats } from "../../tests/faults/support/other-formats.mjs";
import { Random } from "./random.mjs";

const { values } = parseArgs({ options: { seconds: { type: "string" }, seed: { type: "string" } } });
const seconds = Number(values.seconds ?? 3600);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
/** Memory that may be taken beyond what it took at first: for a fifth of the time, and until everything was opened twice. */
const GROWTH = 96 * 2 ** 20;
/** Reads at a time. */
const LANES = 6;
/** What is opened; `indexed.nii.gz` has a sidecar, and the voxels of `apart.*` are in a file beside it. */
const CONTAINERS = ["scan.nii", "scan.nii.gz", "indexed.nii.gz", "scan.zarr", "scan.zarr.zip"];
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
const index = await buildIndex(bytesSource(readFileSync(join(folder, "scan.nii.gz"))), { spacing: 65_536 });
writeFileSync(join(folder, "indexed.nii.gz"), readFileSync(join(folder, "scan.nii.gz")));
writeFileSync(join(folder, "indexed.nii.gz.gzidx"), writeIndex(index));
const body = Buffer.concat(
  Array.from({ length: shape[0] }, (_, c) => bytesOf(tensor.slice(c).copy("F").data)),
);
for (const [name, bytes] of Object.entries(otherFormats({ shape, body, inC: bytesOf(tensor.data) }))) {
  writeFileSync(join(folder, name), bytes);
  if (!/\.(raw|dat)$/.test(name)) CONTAINERS.push(name);
}
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

/** Every container from disk, from the server and from memory, which has no folders; a tensor; and what ITK decodes. */
const WAYS = [
  ...CONTAINERS.flatMap((container) => ["disk", "server", "memory"].map((where) => ({ container, where }))),
  { where: "tensor" },
  { where: "itk" },
].filter(({ container, where }) => container !== "scan.zarr" || where !== "memory");

const sibling = async (name) => (files[name] ? bytesSource(files[name], { name }) : null);

function open({ container, where }) {
  const options = { readerOptions: { retries: 6, cacheBytes: 1 << 20 } };
  if (where === "tensor") return openImage(tensor);
  if (where === "disk") return openImage(join(folder, container), options);
  if (where === "server") return openImage(server.url + container, options);
  return openImage(files[container], { ...options, name: container, sibling });
}

async function useOne(way, random) {
  if (way.where === "itk") return useItk();
  const image = await open(way);
  counts.images++;
  try {
    await Promise.all(Array.from({ length: 1 + random.below(4) }, () => readOne(image, random)));
    if (random.chance(0.1)) {
      const index = [0, slice(4, 40, 3), null, 7];
      const part = image.slice(index);
      same(await part.read(), tensor.slice(index), "a part");
      await part.close();
    }
  } finally {
    await image.close();
  }
}

const golden = new URL("../../tests/golden/itk/", import.meta.url);
const { shape: itkShape, data } = JSON.parse(readFileSync(new URL("expected.json", golden)))["int16.gipl"];
const bytes = Buffer.from(data, "base64");
const itkVoxels = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const itkTensor = new Tensor({ data: itkVoxels, dtype: "int16", shape: itkShape });

async function useItk() {
  const image = await openImage(fileURLToPath(new URL("int16.gipl", golden)), { backends: [itk] });
  counts.images++;
  same(await image.read(), itkTensor, "ITK");
  await image.close();
}

function same(found, wanted, what) {
  const [a, b] = [found, wanted].map((one) => bytesOf(one.copy("C").data));
  if (Buffer.compare(a, b) !== 0) wrong.push(`${what}: wrong voxels`);
}

async function readOne(image, random) {
  const index = regionOf(random);
  const controller = new AbortController();
  const abort = random.chance(0.3);
  try {
    const reading = image.read(index, { signal: controller.signal });
    const wait = random.below(20);
    if (abort && wait === 0) controller.abort("enough");
    else if (abort) setTimeout(() => controller.abort("enough"), wait);
    const found = await reading;
    same(found, tensor.slice(index), JSON.stringify(index));
    counts.reads++;
  } catch (error) {
    if (abort && error === "enough") counts.aborted++;
    else if (isLazyImageError(error, "ERR_HTTP")) counts.refused++;
    else wrong.push(`${JSON.stringify(index)}: ${error?.stack ?? error}`);
  }
}

let begun = performance.now();
const elapsed = () => (performance.now() - begun) / 1000;
let most = 0;
let warm = 0;
let number = 0;
const handles = () => (process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0);
let handlesWarm = 0;
// Code is loaded and compiled, and pools fill, however long that takes; then time begins to count anew.
let isCold = true;

function observe() {
  const { rss } = process.memoryUsage();
  if (isCold) {
    warm = Math.max(warm, rss);
    handlesWarm = Math.max(handlesWarm, handles());
  } else most = Math.max(most, rss);
}

const watch = setInterval(() => {
  observe();
  if (random.chance(0.3)) server.behave();
  else server.misbehave(random.pick(FAULTS), { times: 2 + random.below(3) });
  server.reset();
}, 200);
const random = new Random(seed, 0);

await Promise.all(
  Array.from({ length: LANES }, async () => {
    while ((elapsed() < seconds || isCold) && wrong.length === 0) {
      if (isCold && number >= 2 * WAYS.length && elapsed() > seconds / 5) {
        observe();
        isCold = false;
        begun = performance.now();
      }
      const way = WAYS[number++ % WAYS.length];
      await useOne(way, new Random(seed, number)).catch((error) => {
        if (isLazyImageError(error, "ERR_HTTP")) counts.refused++;
        else wrong.push(String(error?.stack ?? error));
      });
    }
  }),
);
clearInterval(watch);
await server.close();
const left = () => process.getActiveResourcesInfo().filter((kind) => !/TTY|Pipe|^FSReq/.test(kind));
// What was closed is gone soon.
for (let n = 0; n < 300 && (left().length > 0 || handles() > handlesWarm); n++) await sleep(100);

const mib = (bytes) => Math.round(bytes / 2 ** 20);
if (most > warm + GROWTH) wrong.push(`memory grew from ${mib(warm)} to ${mib(most)} MiB`);
if (handles() > handlesWarm) wrong.push(`descriptors grew from ${handlesWarm} to ${handles()}`);
console.log(
  `seed ${seed}: ${counts.images} images in ${Math.min(number, WAYS.length)} ways, ${counts.reads} reads, ${counts.aborted} aborted, ${counts.refused} refused in ` +
    `${Math.round(elapsed())} s; ${mib(warm)} MiB at first, at most ${mib(most)} MiB later; left: ${left().join(", ") || "nothing"}`,
);
for (const what of wrong.slice(0, 10)) console.error(what);
process.exitCode = wrong.length > 0 ? 1 : 0;
// Whatever is left open would keep the process alive: that is a failure too.
setTimeout(() => {
  console.error(`does not end: ${process.getActiveResourcesInfo().join(", ")}`);
  process.exit(1);
}, 60_000).unref();
