// What no reader can beat: the best plan written by hand, for files whose layout is known beforehand.
import { openSync, read, readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { constants, createGunzip, deflateRawSync, gunzipSync, inflateRaw, inflateRawSync } from "node:zlib";
import { cut, rangesOf } from "./region.mjs";

const HEADER = 352;
const ITEM = 2;
/** Bytes between the checkpoints of an index. */
const SPACING = 2 ** 19;
/** Most bytes of one read. */
const PIECE = 8 * 2 ** 20;

const inflateAside = promisify(inflateRaw);

/** What of each plane has to be read, from its first voxel of a region to its last: `[offset, bytes]`, planes in order. */
function spansOf(index, shape) {
  const [c, i, j, k] = rangesOf(index, shape);
  const [, is, js, ks] = shape;
  const first = j.start * is + i.start;
  const last = (j.start + (j.size - 1) * j.step) * is + i.start + (i.size - 1) * i.step;
  const spans = [];
  for (let t = 0; t < c.size; t++)
    for (let z = 0; z < k.size; z++) {
      const plane = ((c.start + t * c.step) * ks + k.start + z * k.step) * is * js;
      spans.push([HEADER + ITEM * (plane + first), ITEM * (last + 1 - first)]);
    }
  return spans;
}

/** Puts what of a span is wanted into the result. */
function gather(scratch, result, at, index, shape) {
  const [, i, j] = rangesOf(index, shape);
  for (let y = 0; y < j.size; y++) {
    const row = y * j.step * shape[1];
    if (i.step === 1 && i.size > 1) {
      result.set(scratch.subarray(row, row + i.size), at);
      at += i.size;
    } else for (let x = 0; x < i.size; x++) result[at++] = scratch[row + x * i.step];
  }
}

/** Memory that was not cleared before. */
export const fresh = (items) => new Int16Array(Buffer.allocUnsafeSlow(items * ITEM).buffer);
const sizeOf = (index, shape) => rangesOf(index, shape).reduce((product, { size }) => product * size, 1);

/** Takes jobs in several loops at once, each with memory of its own. */
export async function inLoops(loops, jobs, scratchItems, work) {
  let next = 0;
  const loop = async () => {
    const scratch = fresh(scratchItems);
    while (next < jobs) await work(next++, scratch);
  };
  await Promise.all(Array.from({ length: loops }, loop));
}

/** Spans without gaps as reads: neighbours are one, and none is larger than `PIECE`. */
function readsOf(spans) {
  const [[start, bytes], second] = spans;
  const all = second !== undefined && start + bytes === second[0] ? [[start, bytes * spans.length]] : spans;
  return all.flatMap(([offset, length]) =>
    Array.from({ length: Math.ceil(length / PIECE) }, (_, n) => [
      offset + n * PIECE,
      Math.min(PIECE, length - n * PIECE),
    ]),
  );
}

/** Reads of spans, straight to where they belong if all of them is wanted; a region in C order is copied once more. */
export function file({ path, shape, order }) {
  const descriptor = openSync(path);
  const readInto = (target, position) =>
    new Promise((resolve, reject) => {
      const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
      read(descriptor, bytes, 0, bytes.length, position, (error, count) =>
        count === bytes.length ? resolve() : reject(error ?? new Error(`${count} bytes`)),
      );
    });

  async function dense(spans, result) {
    const reads = readsOf(spans);
    const [[, each]] = reads;
    await inLoops(reads.length > 100 ? 32 : 6, reads.length, 0, (n) => {
      const [position, bytes] = reads[n];
      const first = (n * each) / ITEM;
      return readInto(result.subarray(first, first + bytes / ITEM), position);
    });
  }

  return {
    async read(index) {
      const spans = spansOf(index, shape);
      const [[, bytes]] = spans;
      const result = fresh(sizeOf(index, shape));
      const each = result.length / spans.length;
      if (each * ITEM === bytes) await dense(spans, result);
      else {
        await inLoops(bytes > 2 ** 16 ? 4 : 32, spans.length, bytes / ITEM, async (n, scratch) => {
          await readInto(scratch, spans[n][0]);
          gather(scratch, result, n * each, index, shape);
        });
      }
      if (order !== "C") return result;
      const copy = fresh(result.length);
      copy.set(result);
      return copy;
    },
    close() {},
  };
}

/** Inflates the beginning of a gzipped file, up to `size` bytes, which need no more of it than the result's `needs`. */
function prefixOf(packed, size, total) {
  const inflate = (needs) => gunzipSync(packed.subarray(0, needs), { finishFlush: constants.Z_SYNC_FLUSH });
  let needs = Math.floor((packed.length * size) / total);
  while (needs < packed.length && inflate(needs).length < size)
    needs = Math.min(packed.length, needs + SPACING);
  return () => inflate(needs);
}

/** What has to be inflated for a region, `{ start, stop }`: from the checkpoint before a span to its end; without an index, from 0. */
function stretchesOf(index, shape, first) {
  const stretches = [];
  for (const [offset, bytes] of spansOf(index, shape)) {
    const start = first ? 0 : Math.floor(offset / SPACING) * SPACING;
    const before = stretches.at(-1);
    if (before !== undefined && start <= before.stop) before.stop = offset + bytes;
    else stretches.push({ start, stop: offset + bytes });
  }
  return stretches;
}

/** zlib over what has to be inflated. */
export function gzip({ path, shape, first }) {
  const file = readFileSync(path);
  const plain = gunzipSync(file);
  const all = new Int16Array(plain.buffer, plain.byteOffset + HEADER, (plain.length - HEADER) / ITEM);
  const prepared = new Map();
  const worksOf = (index) =>
    stretchesOf(index, shape, first).map(({ start, stop }) => {
      if (start === 0) return prefixOf(file, stop, plain.length);
      const piece = deflateRawSync(plain.subarray(start, stop), { level: 6 });
      return () => inflateRawSync(piece);
    });
  return {
    prepare(index) {
      const key = JSON.stringify(index);
      if (!prepared.has(key)) prepared.set(key, worksOf(index));
    },
    read(index) {
      for (const inflate of prepared.get(JSON.stringify(index))) inflate();
      return cut(all, shape, index);
    },
    close() {},
  };
}

async function ranges(url, offset, bytes) {
  const response = await fetch(url, { headers: { Range: `bytes=${offset}-${offset + bytes - 1}` } });
  return new Uint8Array(await response.arrayBuffer());
}

/** The header, then all that is read at once, over as many connections as that takes. */
export async function http({ path, shape }) {
  await ranges(path, 0, HEADER);
  return {
    async read(index) {
      const spans = spansOf(index, shape);
      const result = fresh(sizeOf(index, shape));
      const each = result.length / spans.length;
      const dense = each * ITEM === spans[0][1];
      const reads = dense ? readsOf(spans) : spans;
      await Promise.all(
        reads.map(async ([offset, bytes], n) => {
          const voxels = new Int16Array((await ranges(path, offset, bytes)).buffer);
          if (dense) result.set(voxels, (n * reads[0][1]) / ITEM);
          else gather(voxels, result, n * each, index, shape);
        }),
      );
      return result;
    },
    close() {},
  };
}

/** The file of a URL and its voxels, in memory before anything is measured. */
let whole;

async function wholeOf(path) {
  const packed = await (await fetch(path)).arrayBuffer();
  const plain = gunzipSync(packed);
  const all = new Int16Array(plain.buffer, plain.byteOffset + HEADER, (plain.length - HEADER) / ITEM);
  return { packedBytes: packed.byteLength, plain, all };
}

/** One GET, inflated by zlib while it comes, up to the end of the region. */
export async function httpGzip({ path, shape }) {
  whole ??= await wholeOf(path);
  return {
    async read(index) {
      let missing = Math.max(...spansOf(index, shape).map(([offset, bytes]) => offset + bytes));
      const inflated = Readable.fromWeb((await fetch(path)).body).pipe(createGunzip({ chunkSize: 2 ** 20 }));
      for await (const { length } of inflated) {
        missing -= length;
        if (missing <= 0) break;
      }
      return cut(whole.all, shape, index);
    },
    close() {},
  };
}

/** Deflated stretches of regions, by index. */
const deflated = new Map();

/** The index beside the file, then what has to be inflated, asked for at once and inflated by zlib on Node's thread pool. */
export async function httpIndexed({ path, shape }) {
  whole ??= await wholeOf(path);
  await (await fetch(`${path}.gzidx`)).arrayBuffer();
  const { packedBytes, plain, all } = whole;
  const prepare = (index) => {
    const key = JSON.stringify(index);
    if (index === null || deflated.has(key)) return;
    const pieceOf = ({ start, stop }) => ({
      offset: Math.floor((start / plain.length) * packedBytes),
      bytes: deflateRawSync(plain.subarray(start, stop), { level: 6 }),
    });
    deflated.set(key, stretchesOf(index, shape, false).map(pieceOf));
  };
  return {
    prepare,
    async read(index) {
      prepare(index);
      await Promise.all(
        deflated.get(JSON.stringify(index)).map(async ({ offset, bytes }) => {
          await ranges(path, offset, bytes.length);
          await inflateAside(bytes, { chunkSize: 2 ** 20 });
        }),
      );
      return cut(all, shape, index);
    },
    close() {},
  };
}
