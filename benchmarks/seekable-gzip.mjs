// Random access inside gzip against node:zlib and, with PYTHON=/path/to/python that has nibabel and indexed_gzip, against
// those. Everything in one run, taking turns, as medians:
//
//   pnpm build && PYTHON=python3 node benchmarks/seekable-gzip.mjs [rounds]
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as zlib from "node:zlib";
import { fileSource } from "../packages/byte-source/dist/index.js";
import { buildIndex, gzipSource } from "../packages/seekable-gzip/dist/index.js";

const SHAPE = [512, 512, 400];
const SLICE = SHAPE[0] * SHAPE[1] * 2;
const SIZE = SLICE * SHAPE[2];
const HEADER = 352;
const rounds = Number(process.argv[2] ?? 5);

/** A 210 MB int16 NIfTI: an ellipsoid with waves and noise in a noisy background; made once. */
function volume() {
  const path = join(tmpdir(), "lazyimg-bench-gzip-1.nii.gz");
  if (existsSync(path)) return path;
  const bytes = new Uint8Array(HEADER + SIZE);
  const header = new DataView(bytes.buffer);
  header.setInt32(0, 348, true);
  [3, ...SHAPE, 1, 1, 1, 1].forEach((size, i) => {
    header.setInt16(40 + 2 * i, size, true);
  });
  header.setInt16(70, 4, true);
  header.setInt16(72, 16, true);
  for (let i = 0; i < 4; i++) header.setFloat32(76 + 4 * i, 1, true);
  header.setFloat32(108, HEADER, true);
  bytes.set(Buffer.from("n+1\0"), 344);
  const voxels = new Int16Array(bytes.buffer, HEADER, SIZE / 2);
  let seed = 12345;
  const random = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return (seed >>> 8) / 2 ** 24;
  };
  let at = 0;
  for (let k = 0; k < SHAPE[2]; k++) {
    for (let j = 0; j < SHAPE[1]; j++) {
      for (let i = 0; i < SHAPE[0]; i++) {
        const r = ((i - 256) / 200) ** 2 + ((j - 256) / 220) ** 2 + ((k - 200) / 180) ** 2;
        const wave = 150 * Math.sin(i / 17) * Math.cos(j / 23 + k / 31);
        voxels[at++] =
          r > 1 ? 20 * random() * random() : 800 * (1 - r) + wave + 60 * (random() + random() - 1);
      }
    }
  }
  writeFileSync(path, zlib.gzipSync(bytes, { level: 6 }));
  return path;
}

const path = volume();
const gz = readFileSync(path);
const into = new Uint8Array(HEADER + SIZE);
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const times = {};
async function time(name, work) {
  const start = performance.now();
  const result = await work();
  times[name] ??= [];
  times[name].push(performance.now() - start);
  return result;
}

let seed = 1;
const pick = (below) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
};

const indexed = gzipSource(fileSource(path));
await indexed.read(0, SIZE + HEADER, { into });
zlib.gunzipSync(gz);

const script = `
import json, random, sys, time, nibabel
path = sys.argv[1]
def timed(f):
    t = time.perf_counter(); f(); return (time.perf_counter() - t) * 1000
out = {}
for fast in (False, True):
    nibabel.openers.HAVE_INDEXED_GZIP = fast
    name = "indexed_gzip" if fast else "plain"
    img = nibabel.load(path, keep_file_open=True)
    first = [timed(lambda: img.dataobj[..., 200])]
    axial = [timed(lambda: img.dataobj[..., random.randrange(400)]) for _ in range(20 if fast else 3)]
    def block():
        k = random.randrange(336)
        return img.dataobj[100:164, 200:264, k:k + 64]
    blocks = [timed(block) for _ in range(5 if fast else 2)]
    out[name] = dict(first=first, axial=axial, block=blocks)
print(json.dumps(out))
`;

/** One round of nibabel, in a process of its own, beside ours in time. */
function runPython() {
  const run = spawnSync(process.env.PYTHON, ["-c", script, path], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(run.stderr);
  for (const [kind, results] of Object.entries(JSON.parse(run.stdout))) {
    for (const [what, values] of Object.entries(results)) {
      times[`${kind} ${what}`] ??= [];
      times[`${kind} ${what}`].push(...values);
    }
  }
}

for (let round = 0; round < rounds; round++) {
  await time("gunzipSync", () => zlib.gunzipSync(gz));
  await time("index", async () => buildIndex(fileSource(path)));
  const fresh = gzipSource(fileSource(path));
  await time("axial first", () => fresh.read(HEADER + 200 * SLICE, SLICE, { into }));
  await fresh.close();
  for (let i = 0; i < 8; i++) {
    await time("axial", () => indexed.read(HEADER + pick(SHAPE[2]) * SLICE, SLICE, { into }));
  }
  for (let i = 0; i < 3; i++) {
    const first = pick(SHAPE[2] - 64);
    await time("block", () =>
      indexed.read(HEADER + first * SLICE + 200 * 1024, 63 * SLICE + 64 * 1024, { into }),
    );
  }
  if (process.env.PYTHON) runPython();
  await time("gunzipSync again", () => zlib.gunzipSync(gz));
  await time("stream all", async () => {
    for await (const piece of indexed.stream(0, Number.POSITIVE_INFINITY))
      if (piece.length === 0) throw new Error();
  });
  await time("read all", () => indexed.read(0, SIZE + HEADER, { into }));
}

// The most resident memory during reads, above what there was: output is given, the index is there.
globalThis.gc?.();
const before = process.memoryUsage().rss;
let peak = before;
const sampler = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage().rss);
}, 3);
await indexed.read(HEADER + 100 * SLICE, 100 * SLICE, { into });
for await (const piece of indexed.stream(0, Number.POSITIVE_INFINITY))
  if (piece.length === 0) throw new Error();
clearInterval(sampler);
const grown = peak - before;

const m = Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]));
const rows = [];
const row = (what, ours, peer, theirs, bound) =>
  rows.push(
    `| ${what} | ${ours.toFixed(1)} | ${peer} ${theirs.toFixed(1)} | ${(theirs / ours).toFixed(2)} | ${bound} |`,
  );
row("index pass", m.index, "gunzipSync", m.gunzipSync, "> 1");
row("everything, as a stream", m["stream all"], "gunzipSync", m["gunzipSync again"], ">= 1");
row("everything, in one read", m["read all"], "gunzipSync", m["gunzipSync again"], ">= 1");
if (process.env.PYTHON) {
  row("axial slice, first access", m["axial first"], "nibabel plain", m["plain first"], ">= 1");
  row("axial slice, first access", m["axial first"], "nibabel + indexed_gzip", m["indexed_gzip first"], "");
  row("axial slice at random", m.axial, "nibabel + indexed_gzip", m["indexed_gzip axial"], ">= 4");
  row("64^3 block's range", m.block, "nibabel + indexed_gzip", m["indexed_gzip block"], ">= 2");
} else {
  for (const name of ["axial first", "axial", "block"])
    rows.push(`| ${name} | ${m[name].toFixed(1)} | | | |`);
}
const file = await open(path);
const { size } = await file.stat();
await file.close();
console.log(
  `${(SIZE / 1e6).toFixed(1)} MB int16, ${(size / 1e6).toFixed(1)} MB gzipped; Node ${process.version}; medians of ${rounds} rounds\n`,
);
console.log("| | ms | peer, ms | ratio | wanted |\n| --- | --- | --- | --- | --- |");
console.log(rows.join("\n"));
console.log(
  `\nResident memory peaked ${(grown / 2 ** 20).toFixed(1)} MiB above where it was, over a read of ${(100 * SLICE) / 2 ** 20} MiB into given memory and a stream of everything.`,
);
await indexed.close();
