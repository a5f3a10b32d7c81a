// A contestant from JavaScript, in a process of its own: `node host.mjs MODULE EXPORT TASK`. Contestants open what a task says
// (`{ path, shape, fresh, empty, order }`), and give an image: `read(index)` gives the voxels of a region, `close()` ends it; what
// `prepare(index)` does is not measured. With `empty` an image is opened before each read, which is not measured either: no
// cache of it holds anything.
//
// Says `{ ready }` when it has opened the image. Then answers each line `{ index }` with `{ ms }`, and `{ index, check: true }`
// with `{ ms, size, sum }`: number and sum of the voxels.
import { createInterface } from "node:readline";

const [module, name, json] = process.argv.slice(2);
const task = JSON.parse(json);
const { [name]: open } = await import(`./${module}.mjs`);
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

let image = task.fresh ? undefined : await open(task);
say({ ready: true });

/** Another image in place of the last, which is closed after: what images share stays. */
async function renew() {
  const last = image;
  image = await open(task);
  await last.close();
}

/** Reads once; with `fresh`, what it takes to open and close is part of it. */
async function read(index) {
  const start = performance.now();
  if (task.fresh) image = await open(task);
  const voxels = index === null ? [] : await image.read(index);
  if (task.fresh) await image.close();
  return { ms: performance.now() - start, voxels };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { index, check } = JSON.parse(line);
  if (task.empty) await renew();
  image?.prepare?.(index);
  const { ms, voxels } = await read(index);
  if (!check) {
    say({ ms });
    continue;
  }
  let sum = 0;
  for (let n = 0; n < voxels.length; n++) sum += voxels[n];
  say({ ms, size: voxels.length, sum });
}
process.exit();
