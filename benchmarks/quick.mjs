// What reads cost, counted: requests and bytes over HTTP, and of one block in files of 0.1 to 16 GB. Takes no times, needs no
// peers, and lasts some seconds. `pnpm bench --quick` fails where a count exceeds what counts.json has, or voxels are wrong;
// `pnpm bench --quick update` writes counts.json.
import { readFileSync, writeFileSync } from "node:fs";
import { nifti } from "@lazyimg/backend-nifti/backend";
import { remoteZarr } from "@lazyimg/backend-zarr/backend";
import { fileSource } from "@lazyimg/byte-source";
import { slice } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { countingSource } from "@lazyimg/testkit";
import { cut } from "./contestants/region.mjs";
import { regions } from "./regions.mjs";
import { startServer } from "./runner.mjs";
import { gzipFile, HEADER, niftiFile, sparseFile, zarrFolder } from "./volumes.mjs";

const CUBE = [1, 160, 144, 120];
const SERIES = [60, 24, 24, 20];
const PLACE = 0.5;
const file = new URL("counts.json", import.meta.url);

const itemsOf = (index) => index.map((item) => (Array.isArray(item) ? slice(...item) : item));
const sum = (voxels) => voxels.reduce((total, voxel) => total + voxel, 0);

/** Voxels of a `.nii` that is read whole, by the file system. */
function wholeOf(path) {
  const bytes = readFileSync(path);
  return new Int16Array(bytes.buffer.slice(bytes.byteOffset + HEADER));
}

/** Opens an image and reads one region: what each of the two costs. */
async function costs(open, counts, wanted, index) {
  await counts();
  const image = await open();
  const opening = await counts();
  const first = await image.read(itemsOf(index));
  const reading = await counts();
  await image.read(itemsOf(index));
  const again = await counts();
  await image.close();
  if (sum(first.data) !== wanted) throw new Error(`voxels of sum ${sum(first.data)}, not ${wanted}`);
  return { opening, reading, again };
}

async function overHttp() {
  const server = await startServer();
  const found = {};
  const files = {
    ".nii": niftiFile,
    ".nii.gz": gzipFile,
    ".nii.zarr": (shape) => zarrFolder(shape, "blosc"),
    ".nii.zarr, zstd": (shape) => zarrFolder(shape, "zstd"),
    ".nii.zarr, gzip": (shape) => zarrFolder(shape, "gzip"),
    ".nii.zarr, Zarr v2": (shape) => zarrFolder(shape, "blosc", 2),
  };
  for (const [shape, names] of [
    [CUBE, ["axial", "coronal", "sagittal", "block", "chunk", "strided", "everything"]],
    [SERIES, ["voxel", "volume"]],
  ]) {
    const all = wholeOf(await niftiFile(shape));
    for (const [container, make] of Object.entries(files)) {
      const url = server.urlOf(await make(shape), 0);
      const open = () =>
        openImage(url, { backends: [nifti, remoteZarr], readerOptions: { gzipIndex: false } });
      for (const name of names) {
        const index = regions[name](shape)(PLACE);
        found[`${container} ${name}`] = await costs(open, server.counts, sum(cut(all, shape, index)), index);
      }
    }
  }
  server.stop();
  return found;
}

async function growth() {
  const found = {};
  for (const slices of [200, 2000, 8000, 32_000]) {
    const source = countingSource(fileSource(await sparseFile(slices)));
    const counts = async () => {
      const { requests, bytes } = source;
      source.reset();
      return { requests, bytes };
    };
    const index = regions.block([1, 512, 512, slices])(PLACE);
    found[`${slices} slices`] = await costs(() => openImage(source, { backends: [nifti] }), counts, 0, index);
  }
  return found;
}

/**
 * Counts that exceed what they should be: requests by one, bytes by more than the fiftieth that zlibs differ in. What is
 * read again from gzip ends where its pass stopped, which is some pieces of 64 KiB earlier or later, as the network cuts them.
 */
function excesses(found, known) {
  const said = [];
  for (const [work, steps] of Object.entries(found))
    for (const [step, { requests, bytes }] of Object.entries(steps)) {
      const most = known[work]?.[step] ?? { requests: 0, bytes: 0 };
      const pieces = work.startsWith(".nii.gz") && step === "again" ? 2 * 65_536 : 0;
      if (requests > most.requests || bytes > 1.02 * most.bytes + pieces)
        said.push(
          `${work}, ${step}: ${requests} requests, ${bytes} bytes; at most ${most.requests}, ${most.bytes}`,
        );
    }
  return said;
}

/** @param update whether counts.json is written, instead of checked */
export async function quick(update) {
  const grown = await growth();
  const found = { ...(await overHttp()), ...grown };
  const different = new Set(Object.values(grown).map((counts) => JSON.stringify(counts)));
  const said = different.size === 1 ? [] : [`A block costs more in larger files: ${JSON.stringify(grown)}`];
  if (update) writeFileSync(file, `${JSON.stringify(found, null, 1)}\n`);
  else said.push(...excesses(found, JSON.parse(readFileSync(file, "utf8"))));
  for (const line of said) console.error(line);
  console.log(`${Object.keys(found).length} works counted, ${said.length} cost more than they should`);
  process.exitCode = said.length > 0 ? 1 : 0;
}
