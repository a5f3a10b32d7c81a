// Run in a fresh process: imports the packages in the order given, and prints who is registered and who takes what.
import { requests } from "./requests.mjs";

for (const folder of process.argv.slice(2)) await import(`../../packages/${folder}/dist/index.js`);

const { backends } = globalThis[Symbol.for("@lazyimg/core/registry/1")];
const taken = {};
for (const { what, request } of requests) {
  taken[what] = null;
  for (const { name, matches } of backends) {
    if (!(await matches(request))) continue;
    taken[what] = name;
    break;
  }
}
console.log(JSON.stringify({ names: backends.map(({ name }) => name), taken }));
