// Compares two runs: `node benchmarks/compare.mjs A.json B.json [--json]`. Says what B does otherwise than A: medians that differ
// by more than a tenth and beyond both runs' quartiles, requests, bytes and peak memory by more than a twentieth. Ends with 1 where lazyimg has become worse.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { show } from "./measure.mjs";

const { values, positionals } = parseArgs({ options: { json: { type: "boolean" } }, allowPositionals: true });
if (positionals.length !== 2) throw new Error("usage: node benchmarks/compare.mjs A.json B.json [--json]");
const [a, b] = positionals.map((path) => JSON.parse(readFileSync(path, "utf8")));

/** Every number by section, work and contestant. */
function resultsOf({ sections }) {
  const all = new Map();
  for (const [section, { works = [] }] of Object.entries(sections))
    for (const { work, results } of works)
      for (const [contestant, result] of Object.entries(results))
        all.set(JSON.stringify([section, work, contestant]), result);
  return all;
}

const apart = ([low, high], [otherLow, otherHigh]) => high < otherLow || otherHigh < low;
const DIFFERS = {
  median: (before, after, ratio) => Math.abs(ratio - 1) > 0.1 && apart(before.quartiles, after.quartiles),
  requests: (_before, _after, ratio) => Math.abs(ratio - 1) > 0.05,
  bytes: (_before, _after, ratio) => Math.abs(ratio - 1) > 0.05,
  peak: (_before, _after, ratio) => Math.abs(ratio - 1) > 0.05,
};

const then = resultsOf(a);
const now = resultsOf(b);
const differences = [];
for (const [key, before] of then) {
  const after = now.get(key);
  if (after === undefined) continue;
  const [section, work, contestant] = JSON.parse(key);
  for (const [what, differs] of Object.entries(DIFFERS)) {
    if (before[what] === undefined || after[what] === undefined) continue;
    const ratio = after[what] / before[what];
    if (differs(before, after, ratio))
      differences.push({ section, work, contestant, what, before: before[what], after: after[what], ratio });
  }
}
differences.sort((one, other) => Math.abs(Math.log(other.ratio)) - Math.abs(Math.log(one.ratio)));
const missing = [...then.keys()].filter((key) => !now.has(key)).map((key) => JSON.parse(key).join(", "));
const compared = then.size - missing.length;

if (values.json) console.log(JSON.stringify({ compared, missing, differences }, null, 1));
else {
  for (const { section, work, contestant, what, before, after, ratio } of differences)
    console.log(
      `${section}, ${work}, ${contestant}: ${what} ${show(before)} -> ${show(after)} (${ratio.toFixed(2)})`,
    );
  for (const key of missing) console.log(`${key}: missing`);
  console.log(`${compared} results compared, ${differences.length} differences`);
}
process.exitCode = differences.some(({ contestant, ratio }) => contestant === "lazyimg" && ratio > 1) ? 1 : 0;
