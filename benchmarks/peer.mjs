// A Python peer in an environment of its own, asked over a pipe, so that both sides take turns in one run.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("./peers/", import.meta.url));

/**
 * The interpreter of an environment of Python peers, made with the pinned versions; `null` where there is no Python.
 *
 * @param folder inside `peers/`, with a slash at its end; it has a requirements.txt
 */
export function peerPython(folder = "") {
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
}

/**
 * The folder of peers from npm, installed as its lock file says; `null` where that fails.
 *
 * @param folder inside `peers/`, with a slash at its end
 */
export function peerModules(folder) {
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
}

/** Starts a peer; `ask(command)` gives what it answers, as a number. */
export function startPeer(script) {
  const python = peerPython();
  if (python === null) return null;
  const child = spawn(python, [`${here}${script}`], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(command) {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${script} stopped`);
      return Number(value);
    },
    stop: () => child.stdin.end(),
  };
}
