// The least that what many.mjs does can take through the same asynchronous file API: of each file the header and a row of voxels.
import { existsSync, readdirSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";

const HEADER = 352;
/** A row is all voxels at 1 along I and 2 along J: 8 planes of 64 of 2 bytes. */
const SPAN = 7 * 128 + 2;
const ROW = HEADER + 2 * (1 + 8 * 2);

const [folder, ...counts] = process.argv.slice(2);
const images = [];
const result = [];
for (const count of counts.map(Number)) {
  const first = images.length;
  const start = performance.now();
  for (let n = first; n < count; n++) {
    const file = await open(join(folder, `${n}.nii`));
    const header = new Uint8Array(HEADER);
    await file.read(header, 0, HEADER, 0);
    const span = new Uint8Array(SPAN);
    await file.read(span, 0, SPAN, ROW);
    await file.close();
    images.push(header);
  }
  const ms = (performance.now() - start) / (count - first);
  const handles = existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : null;
  result.push({ count, ms, handles, rss: process.memoryUsage().rss });
}
console.log(JSON.stringify(result));
