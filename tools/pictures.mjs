// Draws the pictures of the documentation, docs/images/, with the command itself.
//
//     node tools/pictures.mjs     (after the packages are built)
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

mkdirSync(here("../docs/images"), { recursive: true });
const { status } = spawnSync(
  process.execPath,
  [
    here("../packages/lazyimg/bin/lazyimg.cjs"),
    "preview",
    here("../examples/phantom.nii.gz"),
    "-o",
    here("../docs/images/phantom.png"),
  ],
  { stdio: "inherit" },
);
process.exitCode = status ?? 1;
