import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createRequest, type Tensor } from "@lazyimg/core";
import { createProject } from "create-lazyimg-backend";
import type { Browser } from "playwright";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { golden } from "../../../tests/support/golden.js";
import { type FormatFacts, tensorOf } from "../../../tests/support/vectors.js";
import { ask } from "./ask.js";
import { hasChromium, launch, openPage } from "./browser.js";
import { type Outcome, PHANTOM, ROOT, start } from "./command.js";
import { view } from "./view.js";

const PLUGIN = "lazyimg-backend-example";
const goldenFile = (name: string): string => join(ROOT, "tests", "golden", name);

/** A folder of somebody who has installed plugins. */
let folder: string;
let sample: string;

/** Writes a package into the folder's `node_modules`. */
function install(name: string, index: string): void {
  const path = join(folder, "node_modules", name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "index.js"), index);
  const manifest = { name, version: "1.0.0", type: "module", exports: "./index.js" };
  writeFileSync(join(path, "package.json"), JSON.stringify(manifest));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "lazyimg view "));
  const link = (name: string, to: string): void => {
    const path = join(folder, "node_modules", name);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(to, path, "junction");
  };
  for (const name of ["core", "byte-source", "raw-array"])
    link(`@lazyimg/${name}`, join(ROOT, "packages", name));
  link("@types/node", join(ROOT, "node_modules", "@types", "node"));
  // A package as `npm create lazyimg-backend` writes it, built, with its sample.
  const project = (await createProject(PLUGIN, folder)).folder;
  const run = (...args: string[]): unknown => execFileSync(process.execPath, args, { cwd: project });
  run(join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc"));
  run(join("scripts", "write-sample.js"), "sample.example");
  link(PLUGIN, project);
  sample = join(project, "sample.example");
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a plugin that the page cannot load is said", () => {
  const refused = async (plugin: string): Promise<Outcome> =>
    start(["view", PHANTOM, "--no-open", "--plugin", plugin], folder).outcome;

  it.each([
    [
      "that is not installed",
      "lazyimg-backend-none",
      "",
      /lazyimg-backend-none.*npm install lazyimg-backend-none/,
    ],
    [
      "that is for Node",
      "for-node",
      'import { open } from "node:fs"; open("a");',
      /for-node.*node:fs.*Node's own/,
    ],
    ["that needs another package", "needs", 'import "what-it-needs";', /needs.*npm install what-it-needs/],
    ["that is no JavaScript", "broken", "registerBackend(((", /broken.*Unexpected/],
  ])("%s", async (_, name, index, message) => {
    if (index !== "") install(name, index);
    const { code, stderr } = await refused(name);
    expect(stderr).toMatch(message);
    expect(stderr).toContain("ERR_PLUGIN");
    expect(code).toBe(1);
  });
});

it("serves plugins, and data files that a header names, under its token alone", async () => {
  const header = join(folder, "detached.mhd");
  for (const name of ["detached.mhd", "detached.raw"])
    copyFileSync(goldenFile(`metaimage/${name}`), join(folder, name));
  writeFileSync(join(folder, "detached.json"), "another file");
  const { url, stop } = await view([header, "--plugin", PLUGIN], folder);
  const answer = async (path: string) => ask(new URL(path, url).href);
  expect(JSON.parse((await answer("plugins.json")).body.toString())).toEqual(["plugins/0.js"]);
  const script = await answer("plugins/0.js");
  expect(script.headers["content-type"]).toMatch(/javascript/);
  expect(script.body.toString()).toContain("@lazyimg/core/registry/1");
  expect((await answer("/plugins/0.js")).status).toBe(403);
  expect((await answer("plugins/1.js")).status).toBe(404);
  expect((await answer("data/0/detached.raw")).status).toBe(200);
  for (const other of ["detached.json", "package.json", "node_modules", "..%2fdetached.raw"])
    expect((await answer(`data/0/${other}`)).status).toBe(404);
  await stop();
});

describe.skipIf(!hasChromium)("lazyimg view, in a browser, shows", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  /** The value in the middle of what `lazyimg view ARGS` shows, or its message. */
  async function shown(...args: readonly string[]): Promise<string> {
    const viewing = await view(args, folder);
    const { page, errors } = await openPage(browser, viewing.url);
    const [value, message] = [page.locator("[data-show=value]", { hasText: /\d/ }), page.locator(".message")];
    await value.or(message).filter({ visible: true }).first().waitFor();
    const text = (await message.isVisible()) ? await message.textContent() : await value.textContent();
    await page.close();
    await viewing.stop();
    expect(errors).toEqual([]);
    return text!;
  }

  const middle = (tensor: Tensor): string => {
    const [, i, j, k] = tensor.shape;
    return String(tensor.at(0, i >> 1, j >> 1, k >> 1));
  };
  const itk = golden<Record<string, FormatFacts>>("itk/expected.json");

  it.each(["int16.gipl", "int16.mnc"])("%s, which ITK reads", async (name) => {
    expect(await shown(goldenFile(`itk/${name}`))).toBe(middle(tensorOf(itk[name]!)));
  });

  it("an image whose data file its header names", async () => {
    const { openMetaImage } = await import("@lazyimg/backend-metaimage/backend");
    const path = goldenFile("metaimage/detached.mhd");
    const image = await openMetaImage(createRequest(path));
    expect(await shown(path)).toBe(middle(await image.toTensor()));
  });

  it("what a plugin opens", async () => {
    const { openExample } = await import(join(folder, PLUGIN, "dist", "index.js"));
    const image = await openExample(createRequest(sample));
    expect(await shown(sample, "--plugin", PLUGIN)).toBe(middle(await image.toTensor()));
    expect(await shown(sample, "--plugin", `./${PLUGIN}/src/index.ts`)).toBe(middle(await image.toTensor()));
    // Over another image, too, and that without its plugin.
    expect(await shown(PHANTOM, "--overlay", sample, "--plugin", PLUGIN)).toMatch(/^\d+$/);
    expect(await shown(sample)).toMatch(/no image that can be opened.*lazyimg view --plugin PACKAGE/);
  });

  it("that a plugin fails, or registers nothing", async () => {
    install("fails", 'throw new Error("It fails here.");');
    expect(await shown(sample, "--plugin", "fails")).toMatch(/plugin cannot be used.*It fails here/);
    install("idle", "globalThis.idle = true;");
    expect(await shown(sample, "--plugin", "idle")).toMatch(/plugin cannot be used.*registers no backend/);
  });
});
