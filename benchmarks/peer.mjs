// The peers' environments: of pinned versions, beside this file, made when they are first asked for.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("./peers/", import.meta.url));

/** What was found or made, by folder. */
const ready = new Map();
const once =
  (make) =>
  (folder = "") => {
    if (!ready.has(folder)) ready.set(folder, make(folder));
    return ready.get(folder);
  };

/**
 * The interpreter of an environment of Python peers, made with the pinned versions; `null` where there is no Python.
 *
 * @param folder inside `peers/`, with a slash at its end; it has a requirements.txt
 */
export const peerPython = once((folder) => {
  const venv = `${here}${folder}.venv`;
  const requirements = readFileSync(`${here}${folder}requirements.txt`, "utf8");
  const stamp = `${venv}/requirements.installed.txt`;
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== requirements) {
    try {
      execFileSync("python3", ["-m", "venv", "--clear", venv]);
      execFileSync(`${venv}/bin/pip`, ["install", "--quiet", "-r", `${here}${folder}requirements.txt`], {
        stdio: ["ignore", "ignore", "inherit"],
      });
    } catch (error) {
      console.error(`No Python peers: ${error.message}`);
      return null;
    }
    writeFileSync(stamp, requirements);
  }
  return `${venv}/bin/python`;
});

/**
 * The folder of peers from npm, installed as its lock file says; `null` where that fails.
 *
 * @param folder inside `peers/`, with a slash at its end
 */
export const peerModules = once((folder) => {
  const root = `${here}${folder}`;
  const lock = readFileSync(`${root}package-lock.json`, "utf8");
  const stamp = `${root}node_modules/installed.json`;
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
    try {
      execFileSync("npm", ["ci", "--no-audit", "--no-fund"], {
        cwd: root,
        stdio: ["ignore", "ignore", "inherit"],
      });
    } catch (error) {
      console.error(`No peers from npm: ${error.message}`);
      return null;
    }
    writeFileSync(stamp, lock);
  }
  return root;
});

/** Versions of everything that takes part, as pinned. */
export function versions() {
  const found = { Node: process.version };
  const packages = readFileSync(`${here}../../packages/lazyimg/package.json`, "utf8");
  found.lazyimg = JSON.parse(packages).version;
  for (const folder of ["javascript", "zarrita"])
    Object.assign(found, JSON.parse(readFileSync(`${here}${folder}/package.json`, "utf8")).dependencies);
  for (const folder of ["", "torchio/", "zarr-2/"]) {
    for (const line of readFileSync(`${here}${folder}requirements.txt`, "utf8").trim().split("\n")) {
      const [name, version] = line.split("==");
      const where =
        found[name] !== undefined && found[name] !== version ? `${name} (${folder.slice(0, -1)})` : name;
      found[where] = version;
    }
  }
  return found;
}
