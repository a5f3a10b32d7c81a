// Writes OUT, and says how many reads that took: `node killed.mjs OUT [resume]`.
import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { Tensor } from "@lazyimg/core";

const shape = [2, 40, 36, 32];
const data = Int16Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => (n * 7919) & 32767);
const inner = tensorBackend(new Tensor({ data, dtype: "int16", shape }));
let reads = 0;
const counted = {
  ...inner,
  read(index, options) {
    reads++;
    return inner.read(index, options);
  },
};
await writeNiftiZarr(counted, process.argv[2], { chunk: 8, levels: 3, resume: process.argv[3] === "resume" });
process.stdout.write(`reads ${reads}\n`);
