// node tools/write-index.mjs FILE.gz SIDECAR [SPACING]: an index of a file, for tools/oracle.py and for trying things out.
import { readFileSync, writeFileSync } from "node:fs";
import { buildIndex, writeIndex } from "../dist/index.js";
import { memory } from "./memory.mjs";

const [file, sidecar, spacing] = process.argv.slice(2);
const source = memory(readFileSync(file));
writeFileSync(sidecar, writeIndex(await buildIndex(source, { spacing: spacing && Number(spacing) })));
