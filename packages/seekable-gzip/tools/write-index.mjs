// node tools/write-index.mjs FILE.gz SIDECAR [SPACING]: an index of a file, for tools/oracle.py and for trying things out.
import { readFileSync, writeFileSync } from "node:fs";
import { buildIndex, writeIndex } from "../dist/index.js";

const [file, sidecar, spacing] = process.argv.slice(2);
const bytes = readFileSync(file);
const source = {
  gap: 0,
  size: async () => bytes.length,
  read: async (offset, length) => bytes.subarray(offset, offset + length),
  async *stream(offset, length) {
    yield bytes.subarray(offset, Math.min(bytes.length, offset + length));
  },
};
writeFileSync(sidecar, writeIndex(await buildIndex(source, { spacing: spacing && Number(spacing) })));
