// Opens images of a folder, reads a region of each and keeps them all open: `node many.mjs FOLDER COUNT...` prints, for each
// number of images, descriptors, bytes of memory and milliseconds for each of the images since the number before.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { nifti } from "@lazyimg/backend-nifti";
import { openImage } from "@lazyimg/image";

const [folder, ...counts] = process.argv.slice(2);
const images = [];
const result = [];
for (const count of counts.map(Number)) {
  const first = images.length;
  const start = performance.now();
  for (let n = first; n < count; n++) {
    const image = await openImage(join(folder, `${n}.nii`), { backends: [nifti] });
    await image.read([0, 1, 2]);
    images.push(image);
  }
  const ms = (performance.now() - start) / (count - first);
  const handles = existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : null;
  result.push({ count, ms, handles, rss: process.memoryUsage().rss });
}
console.log(JSON.stringify(result));
process.exit();
