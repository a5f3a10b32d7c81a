/**
 * The fuzzer: node tools/fuzz/run.mjs [--inputs N] [--seconds S] [--seed N] [--jobs N] [--formats a,b] [--save FOLDER] [--only N]
 *
 * Every input follows from the seed and its number. Exits with 1 where something was found.
 */
import { fork } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** Seconds without news after which a process hangs. */
const HANGS = 60;
/** Bytes that a process may take in all. */
const MOST_RSS = 1.5 * 2 ** 30;
/** Inputs that are kept of findings that look alike. */
const KEPT = 3;

const { values } = parseArgs({
  options: Object.fromEntries(
    ["inputs", "seconds", "seed", "jobs", "formats", "save", "only"].map((name) => [
      name,
      { type: "string" },
    ]),
  ),
});
const number = (text, otherwise) => (text === undefined ? otherwise : Number(text));
const seed = number(values.seed, Date.now() % 2 ** 31);
const only = number(values.only);
const inputs = only === undefined ? number(values.inputs, 1_000_000) : only + 1;
const jobs = only === undefined ? number(values.jobs, availableParallelism()) : 1;
const seconds = number(values.seconds, Number.POSITIVE_INFINITY);
const formats = values.formats?.split(",");
const folder = values.save ?? mkdtempSync(join(tmpdir(), "lazyimg-fuzz-"));
mkdirSync(folder, { recursive: true });

console.log(
  `seed ${seed}, ${only === undefined ? `${inputs} inputs` : `input ${only}`}, ${jobs} processes, findings in ${folder}`,
);

const begun = Date.now();
const counts = {};
const findings = new Map();
let done = 0;
let most = 0;
let ready;

/** What a finding has in common with those like it: its message without numbers, and where it comes from. */
function kindOf({ format, what }) {
  const [message, ...stack] = what.split("\n");
  const where = stack.find((line) => line.includes("packages/"))?.replace(/^.*packages\//, "") ?? "";
  return `${format}: ${message.replace(/-?(\d[\d.e+-]*|Infinity|NaN)/g, "N").slice(0, 160)} ${where}`;
}

function found(finding) {
  const kind = kindOf(finding);
  const like = findings.get(kind) ?? [];
  findings.set(kind, like);
  like.push(finding.n);
  if (like.length > KEPT) return;
  console.log(`input ${finding.n}: ${kind}`);
  const name = join(folder, `${finding.format}-${seed}-${finding.n}.json`);
  writeFileSync(name, `${JSON.stringify({ ...finding.input, what: finding.what }, null, 1)}\n`);
}

function run(job, first) {
  return new Promise((resolve) => {
    const position = join(folder, `position-${job}`);
    const argument = JSON.stringify({ seed, first, step: jobs, inputs, only: formats, position });
    const child = fork(fileURLToPath(new URL("worker.mjs", import.meta.url)), [argument], {
      execArgv: ["--max-old-space-size=1024"],
    });
    let last = Date.now();
    let ended = false;
    let killed = "";
    let mine = { done: 0, counts: {} };
    const watch = setInterval(() => {
      if (Date.now() - ready > seconds * 1000) ended = true;
      else if (Date.now() - last > HANGS * 1000) killed = `hangs: nothing for ${HANGS} s`;
      if (ended || killed) child.kill("SIGKILL");
    }, 250);
    child.on("message", (message) => {
      last = Date.now();
      ready ??= last; // seeds are loaded, and time begins to count
      mine = message;
      most = Math.max(most, message.rss);
      if (message.rss > MOST_RSS && !ended) killed = `takes ${message.rss} bytes of memory`;
      if (message.finding) found(message.finding);
      ended ||= message.end === true;
    });
    child.on("exit", (code, signal) => {
      clearInterval(watch);
      done += mine.done;
      for (const [format, codes] of Object.entries(mine.counts)) {
        counts[format] ??= {};
        for (const [code, count] of Object.entries(codes))
          counts[format][code] = (counts[format][code] ?? 0) + count;
      }
      if (ended) return resolve();
      const n = Number(readFileSync(position, "latin1"));
      found({ n, format: "process", what: killed || `ended with ${signal ?? code}`, input: { seed, n } });
      resolve(run(job, n + jobs));
    });
  });
}

await Promise.all(Array.from({ length: jobs }, (_, job) => run(job, only ?? job)));
for (const [format, codes] of Object.entries(counts)) {
  const total = Object.values(codes).reduce((sum, count) => sum + count, 0);
  const list = Object.entries(codes).sort(([, a], [, b]) => b - a);
  console.log(`${format}: ${total} (${list.map(([code, count]) => `${code} ${count}`).join(", ")})`);
}
for (const [kind, numbers] of findings)
  console.log(`FOUND ${numbers.length} x ${kind} (input ${numbers.slice(0, KEPT).join(", ")})`);
const minutes = (Date.now() - begun) / 60_000;
console.log(
  `${done} inputs in ${minutes.toFixed(1)} minutes, ${findings.size} findings, at most ${Math.round(most / 2 ** 20)} MiB a process`,
);
process.exitCode = findings.size > 0 ? 1 : 0;
