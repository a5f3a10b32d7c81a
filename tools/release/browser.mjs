// An application for browsers, bundled from what was installed, and run in one.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright";
import { PHANTOM, plane, SHAPE } from "./phantom.mjs";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const K = 30;

const APPLICATION = `
  import "@lazyimg/backend-nifti";
  import { openImage } from "@lazyimg/image";
  globalThis.look = async (url, k) => {
    const image = await openImage(url);
    const plane = await image.read([0, null, null, k], { scaled: false });
    return { shape: image.shape, voxels: [...plane.copy("C").data] };
  };`;

/** Bundled for browsers: esbuild refuses what it cannot resolve there, and Node's own modules are of that kind. */
async function bundle(cwd) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: APPLICATION, resolveDir: cwd, sourcefile: "app.js" },
    absWorkingDir: cwd,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  const inputs = Object.keys(metafile.inputs).filter((file) => file !== "app.js");
  assert.deepEqual(
    inputs.filter((file) => !file.startsWith("node_modules/")),
    [],
    "comes from the project",
  );
  assert.deepEqual(
    Object.values(metafile.outputs).flatMap(({ imports }) => imports),
    [],
  );
  return outputFiles[0].text;
}

/** Opens the sample volume by URL in Chromium, where there is one. */
export async function browserWorks({ cwd }) {
  const code = await bundle(cwd);
  if (!existsSync(CHROMIUM)) return `bundled, ${code.length} bytes; no Chromium here to run it in`;
  // The server comes from the registry, too.
  const require = createRequire(join(cwd, "app.mjs"));
  const testkit = require.resolve("@lazyimg/testkit/package.json");
  const { misbehavingServer } = await import(pathToFileURL(join(testkit, "../dist/server.js")).href);
  const server = await misbehavingServer({ "scan.nii.gz": readFileSync(PHANTOM) });
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu"],
  });
  try {
    const page = await browser.newPage();
    // A page of the server's origin.
    await page.route(`${server.url}page`, (route) => route.fulfill({ contentType: "text/html", body: "" }));
    await page.goto(`${server.url}page`);
    await page.addScriptTag({ content: code, type: "module" });
    await page.waitForFunction("globalThis.look !== undefined");
    const found = await page.evaluate(([url, k]) => globalThis.look(url, k), [`${server.url}scan.nii.gz`, K]);
    assert.deepEqual(found, { shape: SHAPE, voxels: plane(K) });
  } finally {
    await browser.close();
    await server.close();
  }
  return `bundled, ${code.length} bytes, and ran`;
}
