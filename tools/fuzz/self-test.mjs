/** Backends that are wrong on purpose, each in one way: the fuzzer must say so of every one. */
import "./ledger.mjs";
import assert from "node:assert/strict";
import { defineBackend, LazyImageError, Tensor } from "@lazyimg/core";
import { attempt } from "./attempt.mjs";
import { Random } from "./random.mjs";

const shape = [1, 4, 4, 4];
const affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
let reads = 0;
const read = async (range) => {
  const sizes = range.map(({ size }) => size);
  return new Tensor({ data: new Uint8Array(sizes.reduce((a, b) => a * b)), dtype: "uint8", shape: sizes });
};
const image = (driver) => defineBackend({ shape, affine, dtype: "uint8", readRegion: read, ...driver });

const WRONG = {
  "throws what is no LazyImageError": [async () => null.x, /TypeError/],
  "blames the caller": [
    async () => {
      throw new LazyImageError("ERR_INVALID_ARGUMENT", "no");
    },
    /blames the caller/,
  ],
  "believes a number": [
    async () => image({ affine: [...new Uint8Array(1e9).subarray(0, 16)] }),
    /bytes were allocated/,
  ],
  "believes it while it reads": [
    async () => image({ readRegion: async (range) => new Uint8Array(1e9) && read(range) }),
    /bytes were allocated/,
  ],
  "has a size that is none": [async () => image({ shape: [1, 4, 4, -4] }), /shape is 1,4,4,-4/],
  "gives other voxels each time": [
    async () =>
      image({
        readRegion: async (range) => {
          const tensor = await read(range);
          tensor.data.fill(++reads % 251);
          return tensor;
        },
      }),
    /in a region and/,
  ],
  spins: [
    async () => {
      const { user } = process.cpuUsage();
      while (process.cpuUsage().user - user < 1.5e6);
      throw new LazyImageError("ERR_HEADER", "late");
    },
    /slow/,
  ],
};

const input = { main: "x.bin", files: new Map([["x.bin", new Uint8Array(100)]]) };
for (const [what, [open, finding]] of Object.entries(WRONG)) {
  const backend = { name: "wrong", matches: () => true, open };
  const found = await attempt(input, { backends: [backend] }, new Random(3, 3));
  assert.match(String(found.finding), finding, what);
}
const good = await attempt(
  input,
  { backends: [{ name: "good", matches: () => true, open: async () => image({}) }] },
  new Random(3, 3),
);
assert.deepEqual(good, { code: "image", finding: undefined });
console.log(`${Object.keys(WRONG).length} wrong backends were found out`);
