// node tools/check-ranges.mjs FILE.gz SIDECAR RANGES.json: reads ranges through another program's sidecar, and fails unless
// they have the SHA-256 that [[offset, length, digest], ...] says. For tools/oracle.py.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gzipSource } from "../dist/index.js";
import { memory } from "./memory.mjs";

const [file, sidecar, ranges] = process.argv.slice(2);
const source = gzipSource(memory(readFileSync(file)), {
  sidecar: new Uint8Array(readFileSync(sidecar)),
  onWarning: (message) => {
    throw new Error(message);
  },
});
for (const [offset, length, digest] of JSON.parse(readFileSync(ranges, "utf8"))) {
  const found = createHash("sha256")
    .update(await source.read(offset, length))
    .digest("hex");
  if (found !== digest) throw new Error(`${file}: ${length} bytes from ${offset} differ`);
}
