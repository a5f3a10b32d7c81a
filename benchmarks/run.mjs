// The benchmarks: `pnpm bench [--results FILE] [start|nifti|gzip|zarr|http|http-zarr|convert|growth|many ...]`, or `pnpm bench --quick`.
//
// Measures the sections that are named, all by default, puts them into the results (benchmarks/results.json), and writes
// docs/performance.md from these. All take 40 minutes, 5 GB of the temporary folder, and Python 3.11 and npm, which
// install the peers beside this file: 6 GB, mostly TorchIO's. `--quick` checks counts and takes no times: see quick.mjs.
// `--page` measures nothing, and writes the page anew.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { page } from "./page.mjs";
import { peerPython, versions } from "./peer.mjs";
import { compete, race, startServer } from "./runner.mjs";
import { sections } from "./sections.mjs";
import { manyFiles } from "./volumes.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values, positionals } = parseArgs({
  options: {
    quick: { type: "boolean" },
    page: { type: "boolean" },
    results: { type: "string", default: here("results.json") },
  },
  allowPositionals: true,
});

async function many(counts) {
  const args = [await manyFiles(counts.at(-1)), ...counts.map(String)];
  const run = (command, script) =>
    JSON.parse(execFileSync(command, [here(script), ...args], { encoding: "utf8" }));
  const python = peerPython();
  return {
    lazyimg: run(process.execPath, "contestants/many.mjs"),
    limit: run(process.execPath, "contestants/limit-many.mjs"),
    ...(python && { nibabel: run(python, "contestants/many.py") }),
  };
}

async function measure({ start, remote, works, contestants, many: counts }) {
  if (counts !== undefined) return { many: await many(counts) };
  const server = remote ? await startServer() : undefined;
  const results = [];
  for (const work of works) {
    console.error(`  ${work.name}`);
    const taking = contestants(work);
    results.push({
      work: work.name,
      results: start ? await race(work, taking) : await compete(work, taking, server),
    });
  }
  server?.stop();
  return { works: results };
}

if (values.quick) {
  const { quick } = await import("./quick.mjs");
  await quick(positionals.includes("update"));
  process.exit();
}

const unknown = positionals.filter((name) => !sections.some((section) => section.name === name));
if (unknown.length > 0)
  throw new Error(`No section ${unknown}; there are ${sections.map(({ name }) => name)}`);
const results = existsSync(values.results)
  ? JSON.parse(readFileSync(values.results, "utf8"))
  : { sections: {} };
for (const section of sections) {
  if (values.page || (positionals.length > 0 && !positionals.includes(section.name))) continue;
  console.error(section.title);
  const cpu = `${availableParallelism()} x ${cpus()[0]?.model.trim()}`;
  results.machine = `${cpu}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${release()}`;
  results.versions = versions();
  results.sections[section.name] = { date: new Date().toISOString(), ...(await measure(section)) };
  writeFileSync(values.results, `${JSON.stringify(results, null, 1)}\n`);
}
const path = here("../docs/performance.md");
writeFileSync(path, page(results, sections));
console.error(`Wrote ${values.results} and ${path}`);
process.exit();
