// Opens 10,000 images of a folder, reads a region of each and keeps them all open; prints what that takes.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { nifti } from "@lazyimg/backend-nifti";
import { openImage } from "@lazyimg/image";

const [folder] = process.argv.slice(2);
const openAll = async (from, to) => {
  const images = [];
  for (let n = from; n < to; n++) {
    const image = await openImage(join(folder, `${n}.nii`), { backends: [nifti] });
    const tensor = await image.read([0, 1, 2]);
    if (tensor.at(0, 0, 0, 5) !== 0x707) throw new Error(`wrong voxel in ${n}`);
    images.push(image);
  }
  return images;
};
const handles = () => readdirSync("/proc/self/fd").length;
const memory = () => {
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

const handlesBefore = handles();
// Code and pools are there afterwards.
const some = await openAll(0, 100);
const memoryBefore = memory();
const rest = await openAll(100, 10_000);
console.log(
  JSON.stringify({
    handles: handles() - handlesBefore,
    bytesPerImage: Math.round((memory() - memoryBefore) / rest.length),
  }),
);
await Promise.all([...some, ...rest].map((image) => image.close()));
