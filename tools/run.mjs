// What `npm start` and `npm test` run: needs Node 20 and npm, and nothing installed. pnpm, at the version that package.json
// names, comes by `npx`; it runs this file again with pnpm on its PATH.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Arguments of the second run: the environment carries them past the shell in between. */
const CARRIED = "LAZYIMG_RUN_ARGUMENTS";

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

/** Ends with this step's exit code, and its output, when it fails; says nothing otherwise. */
function quietly(what, command) {
  if (process.stderr.isTTY) process.stderr.write(`${what} ...`);
  const { status, signal, stdout, stderr, error } = spawnSync(command, {
    cwd: ROOT,
    shell: true,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ""}${stderr ?? ""}\n${what} failed: ${command}\n`);
  if (error) process.stderr.write(`${error.message}\n`);
  process.exit(status ?? (signal === "SIGINT" ? 130 : 1));
}

/** Runs a program of Node's and waits for it: its output is ours. Gives its exit code. */
function node(script, args, options = {}) {
  return new Promise((done) => {
    const child = spawn(process.execPath, [script, ...args], { cwd: ROOT, stdio: "inherit", ...options });
    // A terminal sends Ctrl-C to both; the child decides how to end.
    const wait = () => {};
    process.on("SIGINT", wait);
    child.on("error", (error) => {
      console.error(error.message);
      done(1);
    });
    child.on("exit", (code, signal) => {
      process.off("SIGINT", wait);
      done(code ?? (signal === "SIGINT" ? 130 : 1));
    });
  });
}

function install() {
  // A folder that another pnpm installed may be installed anew without asking.
  const flags =
    "--frozen-lockfile --prefer-offline --config.confirm-modules-purge=false --config.fetch-retries=5";
  quietly("Installing", `pnpm install ${flags}`);
  quietly("Building", "pnpm run build");
}

/** Opens an image, the sample volume by default: says what is in it and draws it. */
async function start([source = join(ROOT, "examples", "phantom.nii.gz"), ...options], cwd) {
  install();
  const lazyimg = join(ROOT, "packages", "lazyimg", "bin", "lazyimg.cjs");
  const info = await node(lazyimg, ["info", source, ...options], { cwd });
  if (info !== 0) return info;
  const isUrl = /^https?:/i.test(source);
  const name = basename(isUrl ? new URL(source).pathname : resolve(cwd, source)).replace(
    /(\.nii)?(\.\w+)?$/i,
    "",
  );
  const out = join(ROOT, "out");
  mkdirSync(out, { recursive: true });
  console.log();
  return node(lazyimg, ["preview", source, "-o", join(out, `${name || "image"}.png`), ...options], { cwd });
}

/** Every check, and the tests, which may be narrowed: `npm test -- packages/core`. Ends with their count. */
async function test(args) {
  install();
  quietly("Linting", "pnpm run lint");
  quietly("Checking types", "pnpm run typecheck");
  const folder = mkdtempSync(join(tmpdir(), "lazyimg-test-"));
  const report = join(folder, "report.json");
  try {
    const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const code = await node(vitest, ["run", ...reporters, ...args]);
    console.log(countOf(report));
    return code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `12 passed, 0 failed`, from vitest's own report. */
function countOf(report) {
  let result;
  try {
    result = JSON.parse(readFileSync(report, "utf8"));
  } catch {
    return "0 passed, the tests did not run";
  }
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = result;
  // A file that fails before its first test has none that failed.
  const broken = testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some((assertion) => assertion.status === "failed"),
  ).length;
  const skipped = numPendingTests + numTodoTests;
  return [
    `${numPassedTests} passed, ${numFailedTests} failed`,
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(broken > 0 ? [`${broken} ${broken === 1 ? "file" : "files"} did not run`] : []),
  ].join(", ");
}

const TASKS = { start, test };
const [name = "", ...args] = process.argv.slice(2);

if (process.env[CARRIED] !== undefined) {
  const carried = JSON.parse(process.env[CARRIED]);
  delete process.env[CARRIED];
  process.exitCode = await TASKS[carried.name](carried.args, carried.cwd);
} else if (Object.hasOwn(TASKS, name)) {
  // Nothing of the user's is in this line, so that no shell can misread it.
  const again = spawn(`npx -y -p ${manifest.packageManager} -c "node tools/run.mjs"`, {
    cwd: ROOT,
    shell: true,
    stdio: "inherit",
    env: {
      ...process.env,
      // Paths are relative to where npm was called.
      [CARRIED]: JSON.stringify({ name, args, cwd: process.env.INIT_CWD ?? process.cwd() }),
      TURBO_TELEMETRY_DISABLED: "1",
      npm_config_update_notifier: "false",
      npm_config_fetch_retries: "5",
    },
  });
  process.on("SIGINT", () => {});
  again.on("exit", (code) => {
    process.exitCode = code ?? 130;
  });
} else {
  console.error(`Usage: node tools/run.mjs ${Object.keys(TASKS).join("|")} [arguments]`);
  process.exitCode = 2;
}
