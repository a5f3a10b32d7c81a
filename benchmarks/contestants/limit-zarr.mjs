// The best plan for Zarr of a known layout: the chunks that a region touches and nothing else, read or asked for at once. gzip is
// inflated by zlib on Node's thread pool, so on all processors; of blosc and zstd, which Node has no decoder for, nothing is
// decoded. Then the region is copied to memory of its own, from where it lies in one piece.
import { close, open, read } from "node:fs";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { openImage } from "@lazyimg/image";
import { fresh, inLoops } from "./limit.mjs";
import { cut, rangesOf } from "./region.mjs";

const CHUNK = [1, 64, 64, 64];
const CHUNK_BYTES = 2 * 64 ** 3;
/** Most of a file. */
const MOST_BYTES = 2 ** 20;
const inflate = promisify(gunzip);

/** Numbers of the chunks that a region touches, along each axis (C, I, J, K). */
const touched = (index, shape) =>
  rangesOf(index, shape).map(({ start, size, step }, axis) => [
    ...new Set(Array.from({ length: size }, (_, n) => Math.floor((start + n * step) / CHUNK[axis]))),
  ]);

/** Names of those chunks: axes are (K, J, I), of a series (C, K, J, I). */
function chunksOf(index, shape) {
  const [cs, is, js, ks] = touched(index, shape);
  const of = (c) => ks.flatMap((k) => js.flatMap((j) => is.map((i) => `${c}${k}/${j}/${i}`)));
  return shape[0] === 1 ? of("") : cs.flatMap((c) => of(`${c}/`));
}

let voxels;

/** All voxels as they are stored, I fastest and C slowest: in memory before anything is measured. */
async function voxelsOf(path) {
  const { niftiZarr, remoteZarr } = await import("@lazyimg/backend-zarr/backend");
  const image = await openImage(path, { backends: [niftiZarr, remoteZarr] });
  const { data } = await image.read();
  await image.close();
  return data;
}

/** The region that is read next, by its index: cut out before anything is measured. */
let next = {};

function prepare(shape, index) {
  next = { index: JSON.stringify(index), region: cut(voxels, shape, index) };
}

/** The region in memory of its own; in C order it is copied once more. */
function copyOf(shape, index, order) {
  if (next.index !== JSON.stringify(index)) prepare(shape, index);
  const copies = order === "C" ? 2 : 1;
  let { region } = next;
  for (let n = 0; n < copies; n++) {
    const copy = fresh(region.length);
    copy.set(region);
    region = copy;
  }
  return region;
}

/** A whole file, to the beginning of memory that is used again: fresh pages cost as much as reading. */
const readWhole = (path, memory) =>
  new Promise((resolve, reject) => {
    open(path, (error, handle) => {
      if (error) return reject(error);
      read(handle, memory, 0, memory.length, 0, (_error, size) => close(handle, () => resolve(size)));
    });
  });

/** @param warm whether the chunks were read before: there is nothing to do but to copy */
export async function folder({ path, shape, order, warm }) {
  voxels ??= await voxelsOf(path);
  const isGzip = path.includes("gzip");
  return {
    async read(index) {
      const chunks = warm ? [] : chunksOf(index, shape);
      await inLoops(8, chunks.length, MOST_BYTES / 2, async (n, { buffer }) => {
        const bytes = new Uint8Array(buffer);
        const size = await readWhole(`${path}/0/${chunks[n]}`, bytes);
        if (isGzip) await inflate(bytes.subarray(0, size), { chunkSize: CHUNK_BYTES + 1 });
      });
      return copyOf(shape, index, order);
    },
    prepare: (index) => prepare(shape, index),
    close() {},
  };
}

/** The root's metadata, then a GET for each chunk, all of them at once. */
export async function http({ path, shape }) {
  voxels ??= await voxelsOf(path);
  const get = async (key) => (await fetch(`${path}/${key}`)).arrayBuffer();
  await get("zarr.json");
  return {
    async read(index) {
      await Promise.all(chunksOf(index, shape).map((name) => get(`0/c/${name}`)));
      return copyOf(shape, index);
    },
    prepare: (index) => index && prepare(shape, index),
    close() {},
  };
}
