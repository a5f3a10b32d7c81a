// Takes the README's pictures of the viewer, docs/images/viewer*.png: the phantom, with labels on a grid of their own.
//
//     node tools/screenshots.mjs     (after the packages are built; needs Chromium, $CHROMIUM or /usr/bin/chromium)
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Image, openImage, slice, Tensor } from "lazyimg";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { chromium } = createRequire(import.meta.url)("playwright");

const PHANTOM = here("../examples/phantom.nii.gz");
const PICTURES = [
  { name: "viewer", viewport: { width: 1280, height: 860 }, colorScheme: "dark", voxel: [83, 62, 34] },
  {
    name: "viewer-light",
    viewport: { width: 1280, height: 860 },
    colorScheme: "light",
    voxel: [52, 98, 30],
    zoom: 2.2,
  },
  {
    name: "viewer-phone",
    viewport: { width: 390, height: 844 },
    colorScheme: "dark",
    deviceScaleFactor: 2,
    voxel: [83, 62, 34],
  },
];

/** What the phantom is made of, as labels: every second voxel of it, and so on another grid. */
async function writeLabels(path) {
  const phantom = await openImage(PHANTOM);
  const coarse = phantom.slice(["...", slice(null, null, 2), slice(null, null, 2), slice(null, null, 1)]);
  const tensor = (await coarse.read()).contiguous();
  const { data, shape, strides } = tensor;
  // Ventricles, and what is brighter than its surroundings; the edge of the skull has such values too, and lies beside it.
  const isTissue = (value) => value > 100 && value < 700;
  const around = [strides[1], strides[2], strides[3]].flatMap((stride) => [
    -2 * stride,
    -stride,
    stride,
    2 * stride,
  ]);
  const labels = Uint8Array.from(data, (value, n) => {
    if (!isTissue(value) || !around.every((offset) => isTissue(data[n + offset]))) return 0;
    return value < 300 ? 1 : value > 430 ? 3 : 0;
  });
  const image = Image.fromTensor(new Tensor({ data: labels, dtype: "uint8", shape }), coarse.affine);
  await image.save(path);
  await phantom.close();
}

const folder = await mkdtemp(join(tmpdir(), "lazyimg-pictures-"));
const labels = join(folder, "labels.nii.gz");
await writeLabels(labels);
await mkdir(here("../docs/images"), { recursive: true });
const command = spawn(
  process.execPath,
  [here("../packages/lazyimg/bin/lazyimg.cjs"), "view", PHANTOM, "--overlay", labels, "--no-open"],
  { stdio: ["ignore", "pipe", "inherit"] },
);
const [address] = await once(command.stdout.setEncoding("utf8"), "data");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
for (const { name, voxel, zoom, ...options } of PICTURES) {
  const page = await browser.newPage(options);
  await page.goto(address.trim());
  await page.locator(".overlay").first().waitFor({ state: "visible" });
  const settled = () => page.waitForFunction(() => document.querySelector("lazy-image-viewer").isCurrent);
  await settled();
  await page.evaluate((place) => {
    document.querySelector("lazy-image-viewer").crosshair = place;
  }, voxel);
  if (zoom !== undefined) {
    await page.locator("[data-plane=axial]").hover();
    await page.keyboard.down("Control");
    await page.mouse.wheel(0, -300 * Math.log(zoom));
    await page.keyboard.up("Control");
  }
  await settled();
  await page.waitForTimeout(500);
  await page.screenshot({ path: here(`../docs/images/${name}.png`) });
  await page.close();
}
await browser.close();
command.kill("SIGINT");
await once(command, "close");
await rm(folder, { recursive: true });
