// Zarr against zarrita, fizarrita and zarr-python, in one run: `node benchmarks/zarr.mjs [rounds]`.
//
// 512 x 512 x 400 int16 in chunks of 64^3: blosc (LZ4, shuffle), zstd and gzip. Every time is from a process of its own,
// rounds are interleaved, medians are shown. Peers are installed beside it, in benchmarks/peers. Needs a build before.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { median, show, table } from "./measure.mjs";
import { peerModules, peerPython } from "./peer.mjs";

const rounds = Number(process.argv[2] ?? 3);
const work = join(tmpdir(), "lazyimg-bench-zarr");
const pythons = { "zarr-python 2": peerPython("zarr-2/"), "zarr-python 3": peerPython("zarr-3/") };
const codecs = ["blosc", "zstd", "gzip"];
const regions = ["axial", "sagittal", "unaligned", "aligned", "full"];
const dist = (name, file = "index") =>
  pathToFileURL(fileURLToPath(new URL(`../packages/${name}/dist/${file}.js`, import.meta.url))).href;
const peers = peerModules("zarrita/");
const peer = (path) => JSON.stringify(pathToFileURL(`${peers}${path}`).href);

const MAKE = `
import sys, numpy as np, nibabel as nib, zarr, numcodecs
work = sys.argv[1]
rng = np.random.default_rng(1)
z, y, x = np.meshgrid(*(np.linspace(0, 1, n, dtype="f4") for n in (400, 512, 512)), indexing="ij", sparse=True)
a = (600 * np.sin(9 * x) * np.cos(7 * y) * np.sin(5 * z) + 800 + rng.normal(0, 12, (400, 512, 512))).astype("<i2")
a[((x - .5) ** 2 + (y - .5) ** 2 + 0 * z) > .2] = 0
nib.save(nib.Nifti1Image(a.transpose(2, 1, 0), np.diag([.5, .5, 1, 1])), work + "/a.nii")
codecs = dict(blosc=numcodecs.Blosc("lz4", 5, 1), zstd=numcodecs.Zstd(1), gzip=numcodecs.GZip(5))
for name, codec in codecs.items():
    options = dict(shape=a.shape, chunks=(64, 64, 64), dtype="<i2", compressor=codec, dimension_separator="/")
    zarr.open(work + "/" + name + ".zarr", mode="w", **options)[:] = a
`;

const PYTHON = `
import sys, time, json, zarr
z = zarr.open(store=sys.argv[1], mode="r") if zarr.__version__ >= "3" else zarr.open(sys.argv[1], "r")
read = dict(axial=lambda: z[200], sagittal=lambda: z[:, :, 256], unaligned=lambda: z[170:234, 200:264, 100:164],
            aligned=lambda: z[64:128, 64:128, 64:128], full=lambda: z[:])[sys.argv[2]]
times = []
for _ in range(int(sys.argv[3])):
    t = time.perf_counter(); read(); times.append((time.perf_counter() - t) * 1e3)
print(json.dumps(times))
`;

// A backend afresh for every read: nothing comes from the cache, except in "cached".
const OURS = `
import { createRequest, slice } from ${JSON.stringify(dist("core"))};
import { niftiZarr } from ${JSON.stringify(dist("backend-zarr", "backend"))};
const [path, region, count, cached] = process.argv.slice(1);
const index = { axial: [0, null, null, 200], sagittal: [0, 256], unaligned: [0, slice(100, 164), slice(200, 264), slice(170, 234)],
  aligned: [0, slice(64, 128), slice(64, 128), slice(64, 128)], full: null }[region];
const before = process.memoryUsage().rss;
const times = [];
let image = await niftiZarr.open(createRequest(path), {});
for (let n = 0; n < count; n++) {
  if (cached !== "cached") image = await niftiZarr.open(createRequest(path), {});
  const t = performance.now();
  await image.read(index);
  times.push(performance.now() - t);
}
const peak = process.resourceUsage().maxRSS * 1024 - before;
console.log(JSON.stringify(cached === "peak" ? [peak] : times));
`;

// zarrita's own get, and fizarrita's on worker threads.
const ZARRITA = `
import "WEB_WORKER";
import * as zarr from "ZARRITA";
import { getWorker } from "FIZARRITA";
import { WorkerPool } from "WORKER_POOL";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
const [path, region, count, name] = process.argv.slice(1);
const store = { get: (key) => readFile(path + key).catch(() => undefined) };
const array = await zarr.open.v2(store, { kind: "array" });
const s = zarr.slice;
const index = { axial: [200, null, null], sagittal: [null, null, 256], unaligned: [s(170, 234), s(200, 264), s(100, 164)],
  aligned: [s(64, 128), s(64, 128), s(64, 128)], full: null }[region];
const pool = new WorkerPool(availableParallelism());
const get = name === "fizarrita" ? () => getWorker(array, index, { pool }) : () => zarr.get(array, index);
const times = [];
for (let n = 0; n < count; n++) {
  const t = performance.now();
  await get();
  times.push(performance.now() - t);
}
console.log(JSON.stringify(times));
process.exit();
`
  .replace('"WEB_WORKER"', peer("web-worker.mjs"))
  .replace('"ZARRITA"', peer("node_modules/zarrita/dist/src/index.js"))
  .replace('"FIZARRITA"', peer("node_modules/@fideus-labs/fizarrita/dist/index.js"))
  .replace('"WORKER_POOL"', peer("node_modules/@fideus-labs/worker-pool/dist/index.js"));

const CONVERT = `
import { createRequest, resolveBackend } from ${JSON.stringify(dist("core"))};
import ${JSON.stringify(dist("backend-nifti"))};
import { writeNiftiZarr } from ${JSON.stringify(dist("backend-zarr", "write"))};
const [source, target, levels] = process.argv.slice(1);
const t = performance.now();
const image = await resolveBackend(createRequest(source));
await writeNiftiZarr(image, target, { force: true, ...(levels && { levels: Number(levels) }) });
console.log(JSON.stringify([performance.now() - t]));
`;

const CONVERT_PYTHON = `
import sys, time, json, niizarr
t = time.perf_counter(); niizarr.nii2zarr(sys.argv[1], sys.argv[2], nb_levels=int(sys.argv[3] or -1))
print(json.dumps([(time.perf_counter() - t) * 1e3]))
`;

const run = (command, args) =>
  JSON.parse(
    execFileSync(command, args, { encoding: "utf8", maxBuffer: 1 << 24 })
      .trim()
      .split("\n")
      .at(-1),
  );
const node = (script, ...args) =>
  run(process.execPath, ["--input-type=module", "-e", script, "--", ...args.map(String)]);
const python = (path, script, ...args) => run(path, ["-c", script, ...args.map(String)]);

mkdirSync(work, { recursive: true });
if (!existsSync(join(work, "gzip.zarr"))) {
  if (!pythons["zarr-python 2"])
    throw new Error("zarr-python 2 makes the data, and there is no Python to install it in");
  execFileSync(pythons["zarr-python 2"], ["-c", MAKE, work], { stdio: "inherit" });
}

const subjects = {
  lazyimg: (path, region, count) => node(OURS, path, region, count),
  cached: (path, region, count) => node(OURS, path, region, count, "cached"),
};
if (peers !== null) {
  for (const name of ["zarrita", "fizarrita"]) {
    subjects[name] = (path, region) =>
      node(ZARRITA, path, region, region === "full" ? 1 : region.includes("aligned") ? 8 : 3, name);
  }
}
for (const [name, path] of Object.entries(pythons)) {
  if (path) subjects[name] = (file, region, count) => python(path, PYTHON, file, region, count);
}

const names = Object.keys(subjects);
const compared = ["zarr-python 2", "zarr-python 3", "zarrita", "fizarrita"].filter((name) =>
  names.includes(name),
);
const rows = [];
for (const codec of codecs) {
  for (const region of regions) {
    const firsts = {};
    const thens = {};
    for (let round = 0; round < rounds; round++) {
      for (const name of names) {
        if (name === "cached" && region === "full") continue;
        const count = region === "full" ? 3 : region.includes("aligned") ? 150 : 14;
        const times = subjects[name](join(work, `${codec}.zarr`), region, count);
        firsts[name] = [...(firsts[name] ?? []), times[0]];
        thens[name] = [...(thens[name] ?? []), median(times.slice(times.length >> 1))];
      }
    }
    const cell = (name) =>
      firsts[name] ? `${show(median(firsts[name]))} / ${show(median(thens[name]))}` : "";
    // Blocks are read again and again, slices and volumes mostly once.
    const ours = region.includes("aligned") ? thens.cached : thens.lazyimg;
    const ratio = (name) => `${(median(thens[name]) / median(ours)).toFixed(2)}x`;
    rows.push([`${codec} ${region}`, ...names.map(cell), ...compared.map(ratio)]);
  }
}
console.log(
  "Milliseconds of the first read of a process / of the later half of 3 (full), 14 (slices) or 150 (blocks). lazyimg: every read from a backend of",
);
console.log(
  "its own; cached: all from one. Ratios are those of what follows; of blocks, to the cached ones.\n",
);
console.log(table(["", ...names, ...compared.map((name) => `${name} : lazyimg`)], rows));

const peaks = codecs.map((codec) => {
  const peak = () => node(OURS, join(work, `${codec}.zarr`), "full", 1, "peak")[0];
  return `${codec} ${(median(Array.from({ length: rounds }, peak)) / (512 * 512 * 400 * 2)).toFixed(2)}`;
});
console.log(`\nA full read's memory, workers included, is so many times its output: ${peaks.join(", ")}.`);

for (const levels of ["1", ""]) {
  const target = join(work, "out.nii.zarr");
  const ours = median(
    Array.from({ length: rounds }, () => node(CONVERT, join(work, "a.nii"), target, levels)[0]),
  );
  const three = pythons["zarr-python 3"];
  const theirs = three && python(three, CONVERT_PYTHON, join(work, "a.nii"), target, levels)[0];
  rmSync(target, { recursive: true, force: true });
  const ratio = theirs ? `, niizarr ${(theirs / 1000).toFixed(1)} s: ${(theirs / ours).toFixed(1)}x` : "";
  console.log(
    `Conversion of .nii, ${levels === "1" ? "one level" : "a pyramid"}: lazyimg ${(ours / 1000).toFixed(1)} s${ratio}.`,
  );
}
