/** A process of the fuzzer: tries every `jobs`-th input, and says in a file which one it is at. */
import "./ledger.mjs";
import { openSync, writeSync } from "node:fs";
import { attempt } from "./attempt.mjs";
import { formats } from "./formats.mjs";
import { toJson } from "./kept.mjs";
import { Random } from "./random.mjs";

const { seed, first, step, inputs, only, position } = JSON.parse(process.argv[2]);
const place = openSync(position, "w");
const known = await formats(only);
const counts = {};
let done = 0;
let current;
let reported = Date.now();

function report(message) {
  process.send({ done, counts, rss: process.resourceUsage().maxRSS * 1024, ...message });
  reported = Date.now();
}

/** Something that fails after its input is done is a finding about that one or the one before. */
for (const event of ["unhandledRejection", "uncaughtException"]) {
  process.on(event, (error) =>
    report({ finding: { ...current, what: `${event}: ${error?.stack ?? error}` } }),
  );
}

// Without the one that listens there is nothing to do it for.
process.on("disconnect", () => process.exit());

report({});
for (let n = first; n < inputs; n += step) {
  writeSync(place, String(n).padEnd(12), 0);
  const format = known[n % known.length];
  const random = new Random(seed, n);
  const input = format.mutate(random.pick(format.seeds), random);
  current = { n, format: format.name, input: undefined };
  let { code, finding } = await attempt(input, format, new Random(seed, -2 - n));
  // Once more: the first of its kind also pays for loading and compiling.
  if (finding?.startsWith("slow"))
    ({ code, finding } = await attempt(input, format, new Random(seed, -2 - n)));
  counts[format.name] ??= {};
  counts[format.name][code] = (counts[format.name][code] ?? 0) + 1;
  done++;
  if (finding !== undefined)
    report({ finding: { n, format: format.name, what: finding, input: toJson(format.name, input) } });
  else if (Date.now() - reported > 500) report({});
}
report({ end: true });
process.disconnect();
