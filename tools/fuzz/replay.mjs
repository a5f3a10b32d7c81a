/** Tries kept inputs again: node tools/fuzz/replay.mjs FILE.json... */
import "./ledger.mjs";
import { readFileSync } from "node:fs";
import { attempt } from "./attempt.mjs";
import { formatNamed } from "./formats.mjs";
import { fromJson } from "./kept.mjs";
import { Random } from "./random.mjs";

for (const path of process.argv.slice(2)) {
  const kept = JSON.parse(readFileSync(path, "utf8"));
  const format = await formatNamed(kept.format);
  // Several times, for what is done with an image is random.
  for (let n = 0; n < 8; n++) {
    const { code, finding } = await attempt(fromJson(kept), format, new Random(n, 0));
    console.log(`${path}: ${code}${finding === undefined ? "" : `, ${finding}`}`);
    if (finding !== undefined) process.exitCode = 1;
  }
}
