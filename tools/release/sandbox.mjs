// Where a rehearsal happens: folders of its own, and commands that see nothing of this machine's settings.
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Runs a command to its end, however it ends. */
export function run([program, ...args], { cwd, env = process.env }) {
  return new Promise((done, failed) => {
    const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    const result = { code: null, stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"]) {
      child[name].setEncoding("utf8").on("data", (text) => {
        result[name] += text;
      });
    }
    child.on("error", failed);
    child.on("close", (code) => done({ ...result, code }));
  });
}

/** Runs a command that must succeed; what it printed. */
export async function output(command, options) {
  const { code, stdout, stderr } = await run(command, options);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
  return stdout;
}

const folders = [];
process.on("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is there until this process ends. */
export function temporaryFolder(name) {
  const folder = mkdtempSync(join(tmpdir(), `lazyimg-${name}-`));
  folders.push(folder);
  return folder;
}

/** An environment that knows one registry and who may publish to it, an empty home, and none of this workspace's commands. */
export function cleanEnvironment({ url, token }) {
  const home = temporaryFolder("home");
  writeFileSync(join(home, ".npmrc"), `registry=${url}\n${url.replace("http:", "")}:_authToken=${token}\n`);
  const { PATH, TMPDIR } = process.env;
  return {
    ...(TMPDIR !== undefined && { TMPDIR }),
    PATH: PATH.split(delimiter)
      .filter((folder) => !folder.startsWith(ROOT))
      .join(delimiter),
    HOME: home,
    // Changesets looks here, pnpm into .npmrc.
    npm_config_registry: url,
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_update_notifier: "false",
    TURBO_TELEMETRY_DISABLED: "1",
    GIT_AUTHOR_NAME: "rehearsal",
    GIT_AUTHOR_EMAIL: "rehearsal@localhost",
    GIT_COMMITTER_NAME: "rehearsal",
    GIT_COMMITTER_EMAIL: "rehearsal@localhost",
  };
}

/**
 * A copy of what git tracks, as it is in the working tree now, as a repository of its own. What is not tracked may be somebody
 * else's work in progress, half written: `git add` what is to be rehearsed.
 */
export async function copyOfWorkingTree(env) {
  const folder = temporaryFolder("clone");
  const listed = await output(["git", "ls-files", "-z"], { cwd: ROOT });
  for (const file of new Set(listed.split("\0"))) {
    // Deleted, but not committed yet; or the end of the list.
    if (file === "" || !existsSync(join(ROOT, file))) continue;
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    copyFileSync(join(ROOT, file), join(folder, file));
  }
  await output(["git", "init", "--quiet", "--initial-branch=main"], { cwd: folder, env });
  await commit(folder, env, "What is to be released");
  return folder;
}

export async function commit(cwd, env, message) {
  await output(["git", "add", "--all"], { cwd, env });
  await output(["git", "commit", "--quiet", "--message", message], { cwd, env });
}

/** A project outside any workspace. */
export function emptyProject(name) {
  const folder = temporaryFolder(name);
  writeFileSync(
    join(folder, "package.json"),
    `${JSON.stringify({ name, private: true, type: "module" }, null, 2)}\n`,
  );
  return folder;
}
