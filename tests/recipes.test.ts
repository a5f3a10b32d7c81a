import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM, launch } from "./support/chromium.js";
import { type Bench, pathOf, runInPage, setUp, tearDown } from "./support/snippet-run.js";
import { disagreements, importsOf, ROOT, type Snippet, snippetsOf } from "./support/snippets.js";

/**
 * The recipes, docs/recipes/: type-checked and run in a browser, with the libraries that they are for. Those are large, so
 * they are installed on demand, `pnpm recipes`, and without them only the recipes that need none are looked at.
 */

const FOLDER = `${ROOT}docs/recipes/`;
const manifest = JSON.parse(readFileSync(`${FOLDER}package.json`, "utf8")) as {
  devDependencies: Readonly<Record<string, string>>;
};
const libraries = Object.keys(manifest.devDependencies);

function isInstalled(snippet: Snippet): boolean {
  return importsOf(snippet)
    .map((specifier) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0])
    .every((name) => !libraries.includes(name) || existsSync(`${FOLDER}node_modules/${name}`));
}

const all = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".md"))
  .map((name) => ({ page: name, snippets: snippetsOf(`docs/recipes/${name}`) }))
  .filter(({ snippets }) => snippets.length > 0);

/** Files that pages find beside the images. */
const assets: Record<string, string> = { "model.onnx": `${FOLDER}model.onnx` };
const runtime = `${FOLDER}node_modules/onnxruntime-web/dist/`;
if (existsSync(runtime)) {
  for (const name of readdirSync(runtime)) assets[`onnxruntime/${name}`] = runtime + name;
}

/** Greys of what an element shows, and the share of the picture that each of them has. */
async function greysOf(page: Page, selector: string): Promise<Record<string, number>> {
  const png = await page.locator(selector).screenshot();
  return page.evaluate(async (data) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
    context.drawImage(bitmap, 0, 0);
    const rgba = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
    const greys: Record<string, number> = {};
    for (let n = 0; n < rgba.length; n += 4) {
      const [red, green, blue] = rgba.subarray(n, n + 3);
      if (red === green && red === blue) greys[red!] = (greys[red!] ?? 0) + 4 / rgba.length;
    }
    return greys;
  }, png.toString("base64"));
}

/** Waits until an element shows the head of the sample, which is of one grey for the most part, on black. */
async function showsHead(page: Page, selector: string): Promise<void> {
  const head = async (): Promise<boolean> =>
    Object.entries(await greysOf(page, selector)).some(
      ([grey, share]) => Number(grey) > 40 && Number(grey) < 220 && share > 0.05,
    );
  await expect.poll(head, { message: `a head in ${selector}`, timeout: 10_000 }).toBe(true);
}

/** Compares the canvas with the voxels in the file, which is LPS: its first voxel is right, front and bottom in RAS. */
async function showsPlane(page: Page): Promise<void> {
  const file = gunzipSync(readFileSync(`${ROOT}examples/phantom.nii.gz`));
  const [I, J, K] = [42, 44, 46].map((at) => file.readInt16LE(at)) as [number, number, number];
  const [first, slope, inter] = [108, 112, 116].map((at) => file.readFloatLE(at)) as [number, number, number];
  const greys = await page.evaluate(() => {
    const canvas = document.querySelector("canvas")!;
    const { data, width, height } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    return { width, height, reds: Array.from({ length: width * height }, (_, n) => data[4 * n]!) };
  });
  expect([greys.width, greys.height]).toEqual([I, J]);
  const wrong = greys.reds.filter((red, n) => {
    const [i, j] = [I - 1 - (n % I), Math.floor(n / I)];
    const stored = file.readInt16LE(first + 2 * (i + I * (j + J * (K >> 1))));
    const value = slope === 0 ? stored : stored * slope + inter;
    return Math.abs(red - Math.min(255, Math.max(0, (255 * value) / 1000))) > 0.51;
  });
  expect(wrong).toHaveLength(0);
}

/** What is on the pages of these recipes in the end. */
const shows: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  "canvas.md": showsPlane,
  "niivue.md": (page) => showsHead(page, "canvas"),
  "cornerstone3d.md": (page) => showsHead(page, "#viewer"),
};

let bench: Bench;
let browser: Browser | undefined;

beforeAll(async () => {
  const snippets = all.flatMap((recipe) => recipe.snippets).filter(isInstalled);
  bench = await setUp(`${FOLDER}.cache/${process.pid}`, snippets);
  if (existsSync(CHROMIUM)) browser = await launch();
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await tearDown(bench);
});

describe.each(all)("$page", ({ page, snippets }) => {
  describe.each(snippets)("line $line", (snippet) => {
    const installed = isInstalled(snippet);

    test.skipIf(!installed)("type-checks", () => {
      expect(bench.errors.get(pathOf(bench, snippet)) ?? []).toEqual([]);
    });

    test.skipIf(!installed || !existsSync(CHROMIUM))(
      "runs, and prints what it says",
      async () => {
        const look = snippet === snippets[0] ? shows[page] : undefined;
        const printed = await runInPage(bench, browser!, snippet, { assets, ...(look && { look }) });
        expect(disagreements(snippet, printed)).toEqual([]);
      },
      120_000,
    );
  });
});

test("every library of the recipes is used by one", () => {
  const used = all.flatMap(({ snippets }) => snippets).flatMap(importsOf);
  const unused = libraries.filter(
    (name) => !used.some((specifier) => `${specifier}/`.startsWith(`${name}/`)),
  );
  // What cornerstone3D needs beside it: peers, and Node's modules for browsers.
  expect(unused).toEqual(["@cornerstonejs/metadata", "@cornerstonejs/utils", "events", "url"]);
});
