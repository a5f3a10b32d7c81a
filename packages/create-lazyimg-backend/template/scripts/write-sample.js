// Writes a sample image: node scripts/write-sample.js FILE
import { writeFile } from "node:fs/promises";
import { Tensor } from "@lazyimg/core";
import { encode } from "./encode.js";

const [path = "sample.example"] = process.argv.slice(2);
const [i, j, k] = [24, 20, 16];
const data = new Int16Array(i * j * k);
for (let n = 0; n < data.length; n++) {
  const position = [Math.floor(n / (j * k)) / i, (Math.floor(n / k) % j) / j, (n % k) / k];
  // A ball: bright in the middle.
  const distance = Math.hypot(...position.map((x) => x - 0.5));
  data[n] = Math.max(0, Math.round(1000 * (1 - 2 * distance)));
}
const tensor = new Tensor({ data, dtype: "int16", shape: [1, i, j, k] });
await writeFile(path, encode(tensor, [2, 0, 0, -24, 0, 2, 0, -20, 0, 0, 2, -16, 0, 0, 0, 1]));
