/**
 * Sends a process a signal in the middle of what it does to the file system, wherever that is, however fast it gets there:
 * with `SIGNAL_AT='{"change": 30, "signal": "SIGKILL"}' node --import signal-at.mjs ...`, as it makes its thirtieth change.
 * `{ "count": PATH }` writes how many changes it made to a file when it ends.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const { change: at, signal, count } = JSON.parse(process.env.SIGNAL_AT);
const { writeFileSync } = fs;
let changes = 0;

function watch(owner, name, isChange = () => true) {
  const original = owner[name];
  owner[name] = function (...args) {
    const result = Reflect.apply(original, this, args);
    // What is asynchronous has begun.
    if (isChange(...args) && ++changes === at) process.kill(process.pid, signal);
    return result;
  };
}

for (const name of ["mkdir", "rename", "rm", "writeFile"]) watch(fs.promises, name);
// But for what is printed.
watch(fs, "writeSync", (descriptor) => descriptor > 2);
syncBuiltinESMExports();
if (count !== undefined) process.on("exit", () => writeFileSync(count, String(changes)));
