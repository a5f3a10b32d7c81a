import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createProject } from "create-lazyimg-backend";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const PACKAGES = fileURLToPath(new URL("../../", import.meta.url));
const BIN = fileURLToPath(new URL("../bin/create-lazyimg-backend.js", import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lazyimg-create-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Finished {
  readonly code: number;
  readonly output: string;
}

/** The environment as a terminal has it: an `npx` that runs these tests would tell the one in them what to run. */
const { npm_config_call: _, npm_config_package: __, ...env } = process.env;

/** Runs a command to its end; Windows' npm is a script. */
function run(command: string, args: readonly string[], cwd: string): Promise<Finished> {
  const shell = process.platform === "win32";
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env, shell, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1) || 1, output: stdout + stderr });
    });
  });
}

const create = (...args: string[]) => run(process.execPath, [BIN, ...args], folder);

describe("the command", () => {
  test("--help tells how", async () => {
    const { code, output } = await create("--help");
    expect({ code, output }).toMatchObject({
      code: 0,
      output: expect.stringContaining("npm create lazyimg-backend NAME"),
    });
  });

  test.each([
    ["no name", []],
    ["two names", ["a", "b"]],
    ["an unknown option", ["--template"]],
  ])("%s is an error that shows the help", async (_, args) => {
    const { code, output } = await create(...args);
    expect({ code, output }).toMatchObject({ code: 1, output: expect.stringContaining("npm create") });
  });

  test.each([
    "Scan",
    "my scan",
    ".scan",
    "_scan",
    "../scan",
    "a/b",
    "@scope",
    "@/scan",
    "@Me/scan",
    "scan!",
    "123",
    "-",
    "a".repeat(215),
    "node_modules/x",
  ])("%s is no name", async (name) => {
    const { code, output } = name.startsWith("-") ? await create("--", name) : await create(name);
    expect(code).toBe(1);
    expect(output).toMatch(/is no name for a package|Expected one name/);
    expect((await readdir(folder)).filter((entry) => /scan/i.test(entry))).toEqual([]);
  });

  test("a folder with files in it is left alone; an empty one is filled", async () => {
    const full = join(folder, "full");
    await mkdir(full);
    await writeFile(join(full, "mine.txt"), "mine");
    expect(await create("full")).toMatchObject({
      code: 1,
      output: expect.stringContaining("1 files or folders in it"),
    });
    expect(await readdir(full)).toEqual(["mine.txt"]);
    await mkdir(join(folder, "empty"));
    expect(await create("empty")).toMatchObject({ code: 0 });
    expect(existsSync(join(folder, "empty", "package.json"))).toBe(true);
  });
});

describe("what is written", () => {
  const names: [string, string, string, string][] = [
    ["lazyimg-backend-my-scan", "lazyimg-backend-my-scan", "openMyScan", ".myscan"],
    ["@you/backend-scan", "backend-scan", "openScan", ".scan"],
    ["@you/scan2", "scan2", "openScan2", ".scan2"],
    ["backend-", "backend-", "openBackend", ".backend"],
    ["default", "default", "openDefault", ".default"],
  ];
  test.each(names)("%s", async (name, sub, opener, extension) => {
    const directory = join(folder, "named");
    const { folder: made, files } = await createProject(name, directory);
    expect(made).toBe(join(directory, sub));
    const text = async (file: string) => readFile(join(made, file), "utf8");
    expect(JSON.parse(await text("package.json"))).toMatchObject({ name });
    expect(await text("src/backend.ts")).toContain(`async function ${opener}(`);
    expect(await text("src/match.ts")).toContain(`"${extension}"`);
    for (const file of files) expect(await text(file)).not.toMatch(/[Ee]xample|PACKAGE_NAME|"VERSION"/);
    expect(files).toContain(".gitignore");
  });
});

/** The packages that the new one needs, and this one. */
const NEEDED = [
  "core",
  "byte-source",
  "raw-array",
  "image",
  "backend-tensor",
  "testkit",
  "create-lazyimg-backend",
];

describe("outside this repository, from packed tarballs", () => {
  let project: string;
  const npm = (...args: string[]) => run("npm", args, project);

  beforeAll(async () => {
    const tarballs: Record<string, string> = {};
    for (const name of NEEDED) {
      const pack = ["pack", "--json", "--pack-destination", folder];
      const { output } = await run("pnpm", pack, join(PACKAGES, name));
      const packed = JSON.parse(output.slice(output.indexOf("{"))) as { name: string; filename: string };
      tarballs[packed.name] = `file:${packed.filename}`;
    }
    const tool = join(folder, "tool");
    await mkdir(tool);
    await writeFile(join(tool, "package.json"), "{}");
    const install = ["install", "--no-audit", "--no-fund", "--prefer-offline"];
    const installed = await run("npm", [...install, tarballs["create-lazyimg-backend"]!], tool);
    expect(installed.code, installed.output).toBe(0);
    const made = await run("npx", ["--no-install", "create-lazyimg-backend", "@you/my-scan"], tool);
    expect(made.code, made.output).toBe(0);
    project = join(tool, "my-scan");

    // What a registry would give: the packed packages, also where they need one another.
    const path = join(project, "package.json");
    const manifest = JSON.parse(await readFile(path, "utf8"));
    expect(JSON.stringify(manifest)).not.toMatch(/workspace:|catalog:|undefined/);
    for (const field of ["dependencies", "devDependencies"]) {
      for (const name of Object.keys(manifest[field]))
        manifest[field][name] = tarballs[name] ?? manifest[field][name];
    }
    const own = { ...manifest.dependencies, ...manifest.devDependencies };
    manifest.overrides = Object.fromEntries(
      Object.entries(tarballs).map(([name, file]) => [name, name in own ? `$${name}` : file]),
    );
    await writeFile(path, JSON.stringify(manifest));
    const result = await npm(...install);
    expect(result.code, result.output).toBe(0);
  }, 300_000);

  test("it builds, passes the whole suite, and opens its sample", async () => {
    const { code, output } = await npm("test");
    expect(code, output).toBe(0);
    expect(Number(/^# pass (\d+)$/m.exec(output)?.[1] ?? /ℹ pass (\d+)/.exec(output)?.[1])).toBeGreaterThan(
      40,
    );
    expect(output).toContain("sample.myscan: 1 x 24 x 20 x 16, int16, 2 x 2 x 2 mm, RAS");
    expect(output).toContain("plane 8: up to 1000, 960 bytes in 1 read");
  }, 120_000);

  test("what it packs can be imported, with types", async () => {
    const { code, output } = await npm("pack", "--dry-run", "--json");
    expect(code, output).toBe(0);
    for (const file of ["dist/index.js", "dist/backend.d.ts", "README.md"]) expect(output).toContain(file);
  }, 60_000);

  test("its tests fail when the backend is wrong", async () => {
    const path = join(project, "src", "backend.ts");
    const source = await readFile(path, "utf8");
    await writeFile(path, source.replace("[1, 2, 3, 0]", "[3, 2, 1, 0]"));
    const { code, output } = await npm("test");
    expect(code).not.toBe(0);
    expect(output).toContain("every voxel plane along every axis is its own");
  }, 120_000);
});
