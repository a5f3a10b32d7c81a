import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { misbehavingServer } from "@lazyimg/testkit/server";
import { describe, expect, it } from "vitest";
import { lazyimg, PHANTOM, ROOT, start, temporaryFolder } from "./command.js";

const folder = temporaryFolder();

describe("the command line", () => {
  it("lists its commands, and each has its help", async () => {
    const { code, stdout } = await lazyimg("--help");
    expect(code).toBe(0);
    for (const name of ["info", "read", "preview", "backends"]) {
      expect(stdout).toMatch(new RegExp(`^ {2}${name} +\\w`, "m"));
      const help = await lazyimg(name, "--help");
      expect(help).toMatchObject({ code: 0, stderr: "" });
      expect(help.stdout).toMatch(new RegExp(`^Usage: lazyimg ${name}`));
    }
  });

  it("tells its version", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "packages/lazyimg/package.json"), "utf8")) as {
      version: string;
    };
    expect(await lazyimg("--version")).toEqual({ code: 0, signal: null, stdout: `${version}\n`, stderr: "" });
  });

  it.each([
    [[], "Missing command"],
    [["frobnicate"], "No command frobnicate"],
    [["constructor"], "No command constructor"],
    [["info"], "Missing SRC"],
    [["info", "a.nii", "b.nii"], "Too many arguments: b.nii"],
    [["info", "a.nii", "--frob"], "Unknown option '--frob'"],
    [["info", "a.nii", "--header", "nonsense"], '--header is "NAME: VALUE"'],
    [["read", "a.nii"], "Missing --output"],
    [["read", "a.nii", "-o", "a.tif"], "ends in .npy, .nii or .nii.gz"],
    [["read", "a.nii", "-o", "a.npy", "--index", "1;2"], "is not understood"],
    [["read", "a.nii", "-o", "a.npy", "--dtype", "float99"], "--dtype is one of"],
    [["preview", "a.nii", "-o", "a.png", "--size", "big"], "--size is a whole number"],
  ])("exits with 2 when it is called wrongly: %j", async (args, message) => {
    const { code, stdout, stderr } = await lazyimg(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).toContain("[ERR_USAGE]");
    expect(stderr).toMatch(/^See lazyimg .*--help$/m);
  });

  it.each([
    ["ERR_NOT_FOUND", ["info", join(folder, "missing.nii")]],
    ["ERR_NO_BACKEND", ["info", join(folder, "scan.xyz")]],
    ["ERR_TRUNCATED", ["info", join(folder, "short.nii")]],
    ["ERR_INDEX", ["read", PHANTOM, "-i", "0,128", "-o", join(folder, "x.npy")]],
    ["ERR_IO", ["read", PHANTOM, "-i", "0,1", "-o", join(folder, "nowhere/x.npy")]],
    ["ERR_PLUGIN", ["info", PHANTOM, "--plugin", "no-such-plugin"]],
  ])("exits with 1 and tells %s", async (expected, args) => {
    writeFileSync(join(folder, "short.nii"), readFileSync(PHANTOM).subarray(0, 0));
    const plain = await lazyimg(...args);
    expect({ code: plain.code, stdout: plain.stdout }).toEqual({ code: 1, stdout: "" });
    expect(plain.stderr).toMatch(new RegExp(`^lazyimg: .*\\[${expected}\\]\n$`, "s"));
    const json = await lazyimg(...args, "--json");
    expect(json).toMatchObject({ code: 1, stdout: "" });
    expect(JSON.parse(json.stderr)).toEqual({ error: { code: expected, message: expect.any(String) } });
  });

  it("names the file as it was given, not how it was read", async () => {
    const path = join(folder, "empty file.nii");
    writeFileSync(path, "");
    expect((await lazyimg("info", path)).stderr).toContain(path);
  });

  it("lists the backends", async () => {
    const { stdout } = await lazyimg("backends");
    expect(stdout.trim().split("\n")).toEqual(expect.arrayContaining(["nifti", "tensor"]));
    const json = await lazyimg("backends", "--json");
    expect(JSON.parse(json.stdout)).toEqual({ backends: stdout.trim().split("\n") });
  });

  it("does not complain when nobody reads its output", async () => {
    const { child, outcome } = start(["info", PHANTOM]);
    child.stdout!.destroy();
    expect(await outcome).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("--plugin", () => {
  const project = temporaryFolder();
  const plugin = join(project, "node_modules", "plugin-for-xyz");
  mkdirSync(plugin, { recursive: true });
  mkdirSync(join(project, "node_modules", "@lazyimg"));
  symlinkSync(join(ROOT, "packages", "core"), join(project, "node_modules", "@lazyimg", "core"), "dir");
  const manifest = {
    name: "plugin-for-xyz",
    version: "1.0.0",
    exports: { ".": { import: "./index.js" } },
    type: "module",
  };
  writeFileSync(join(plugin, "package.json"), JSON.stringify(manifest));
  const source = `
    import { defineBackend, hasExtension, registerBackend, Tensor } from "@lazyimg/core";
    registerBackend("xyz", (request) => hasExtension(request, ".xyz"), () =>
      defineBackend({
        shape: [1, 2, 3, 4],
        affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
        dtype: "uint8",
        readRegion: async (range) => {
          const shape = range.map(({ size }) => size);
          return new Tensor({ data: new Uint8Array(24).fill(9).subarray(0, shape.reduce((a, b) => a * b)), dtype: "uint8", shape });
        },
      }));
  `;
  writeFileSync(join(plugin, "index.js"), source);
  writeFileSync(join(project, "own.mjs"), source);
  writeFileSync(join(project, "scan.xyz"), "");

  it.each(["plugin-for-xyz", "./own.mjs"])("opens a format of %s", async (name) => {
    const { code, stdout, stderr } = await start(["info", "scan.xyz", "--plugin", name, "--json"], project)
      .outcome;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({
      shape: [1, 2, 3, 4],
      nifti: null,
      sizeOnDisk: null,
      read: null,
    });
    const listed = await start(["backends", "--plugin", name], project).outcome;
    expect(listed.stdout.split("\n")[0]).toBe("xyz");
  });

  it.each([
    [
      "needs-core",
      'import "@nowhere/core";',
      /Cannot find package '@nowhere\/core'.* npm install @nowhere\/core\./,
    ],
    ["broken", "throw new TypeError('no such luck');", /Cannot load the plugin broken: no such luck\./],
    [
      "silent",
      "export const nothing = 1;",
      /The plugin silent registers no backend and no transport .*@lazyimg\/core\./,
    ],
  ])("says what is wrong with a plugin that is %s", async (name, code, message) => {
    const folder = join(project, "node_modules", name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, "package.json"),
      JSON.stringify({ name, type: "module", exports: "./index.js" }),
    );
    writeFileSync(join(folder, "index.js"), code);
    for (const command of [["info", PHANTOM], ["backends"]]) {
      const { code, stdout, stderr } = await start([...command, "--plugin", name, "--json"], project).outcome;
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      const error = { code: "ERR_PLUGIN", message: expect.stringMatching(message) };
      expect(JSON.parse(stderr)).toEqual({ error });
    }
  });

  it.each([
    ["a built-in format", ["--plugin", "lazyimg"]],
    ["the same one twice", ["--plugin", "plugin-for-xyz", "--plugin", "plugin-for-xyz"]],
    ["two that register the same", ["--plugin", "plugin-for-xyz", "--plugin", "./own.mjs"]],
    ["one that replaces a built-in format behind all others", ["--plugin", "./replaces.mjs"]],
  ])("takes %s", async (_, plugins) => {
    writeFileSync(
      join(project, "replaces.mjs"),
      `import { registerBackend } from "@lazyimg/core";
       registerBackend("nifti", () => false, () => null, { prepend: false });`,
    );
    const modules = join(project, "node_modules");
    if (!existsSync(join(modules, "lazyimg")))
      symlinkSync(join(ROOT, "packages/lazyimg"), join(modules, "lazyimg"), "dir");
    const { code, stderr } = await start(["backends", ...plugins], project).outcome;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it.each([
    ["while it opens", "() => { throw new TypeError('a defect'); }"],
    [
      "later, where nobody waits",
      "() => { setTimeout(() => { throw new TypeError('a defect'); }); return new Promise(() => {}); }",
    ],
    [
      "and is rejected, where nobody waits",
      "() => { Promise.reject(new TypeError('a defect')); return new Promise(() => {}); }",
    ],
  ])("tells a defect that shows %s, with its stack", async (_, matches) => {
    const defect = join(project, "defect.mjs");
    writeFileSync(
      defect,
      `import { registerBackend } from "@lazyimg/core";
       registerBackend("defect", ${matches}, () => null);`,
    );
    const args = ["info", PHANTOM, "--plugin", "./defect.mjs"];
    const plain = await start(args, project).outcome;
    expect({ code: plain.code, stdout: plain.stdout }).toEqual({ code: 1, stdout: "" });
    expect(plain.stderr).toMatch(/^lazyimg: TypeError: a defect\n.*defect\.mjs.* \[ERR_INTERNAL\]\n$/s);
    const json = await start([...args, "--json"], project).outcome;
    const error = { code: "ERR_INTERNAL", message: expect.stringContaining("a defect") };
    expect(JSON.parse(json.stderr)).toEqual({ error });
  });

  it("names the package that opens a file, and the option that takes it", async () => {
    writeFileSync(join(project, "scan.mgz"), "");
    const { code, stderr } = await start(["info", "scan.mgz"], project).outcome;
    expect(code).toBe(1);
    expect(stderr).toContain("npm install @lazyimg/backend-mgh");
    expect(stderr).toContain("--plugin");
  });

  it("still opens the built-in formats", async () => {
    const { code, stdout } = await start(["info", PHANTOM, "--plugin", "plugin-for-xyz", "--json"], project)
      .outcome;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ backend: "nifti", read: { requests: expect.any(Number) } });
  });

  it("reads and draws what a plugin opens", async () => {
    const read = await start(["read", "scan.xyz", "--plugin", "plugin-for-xyz", "-o", "out.npy"], project)
      .outcome;
    expect(read).toMatchObject({ code: 0, stdout: "out.npy: (1, 2, 3, 4) uint8\n" });
    const drawn = await start(["preview", "scan.xyz", "--plugin", "plugin-for-xyz", "-o", "out.png"], project)
      .outcome;
    expect(drawn.code).toBe(0);
  });
});

describe("an interruption", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("by %s ends it with %d, and leaves nothing behind", async (signal, expected) => {
    const server = await misbehavingServer({ "scan.nii.gz": readFileSync(PHANTOM) });
    try {
      server.misbehave({ kind: "hang" });
      const { child, outcome } = start(["info", `${server.url}scan.nii.gz`]);
      await expect.poll(() => server.requests).toBeGreaterThan(0);
      child.kill(signal);
      const stderr = `lazyimg: Interrupted by ${signal}. [ERR_INTERRUPTED]\n`;
      expect(await outcome).toEqual({ code: expected, signal: null, stdout: "", stderr });
    } finally {
      await server.close();
    }
  });

  it("is told as JSON to those who want JSON", async () => {
    const server = await misbehavingServer({ "scan.nii.gz": readFileSync(PHANTOM) });
    try {
      server.misbehave({ kind: "hang" });
      const { child, outcome } = start(["info", `${server.url}scan.nii.gz`, "--json"]);
      await expect.poll(() => server.requests).toBeGreaterThan(0);
      child.kill("SIGINT");
      const { code, stdout, stderr } = await outcome;
      expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
      const message = "Interrupted by SIGINT.";
      expect(JSON.parse(stderr)).toEqual({ error: { code: "ERR_INTERRUPTED", message } });
    } finally {
      await server.close();
    }
  });

  it("removes the file that was being written", async () => {
    const server = await misbehavingServer({ "scan.nii.gz": readFileSync(PHANTOM) });
    const output = temporaryFolder();
    try {
      server.misbehave({ kind: "drip", bytes: 512, everyMs: 100 }, { skip: 2 });
      const { child, outcome } = start(["read", `${server.url}scan.nii.gz`, "-o", join(output, "a.npy")]);
      await expect.poll(() => server.requests).toBeGreaterThan(2);
      child.kill("SIGINT");
      expect(await outcome).toMatchObject({ code: 130, stdout: "" });
    } finally {
      await server.close();
    }
    expect(readdirSync(output)).toEqual([]);
  });
});
