import type { Browser } from "playwright";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FIXTURES } from "./golden.js";
import { type FolderServer, hasChromium, launch, PAGE, serveFolders, ViewerPage } from "./page.js";

/** Looking closer: by wheel, keys and fingers. What is where on the screen is asked by clicking there. */
describe.skipIf(!hasChromium)("zoom and pan", () => {
  let browser: Browser;
  let server: FolderServer;
  beforeAll(async () => {
    browser = await launch();
    server = await serveFolders({ page: PAGE, data: FIXTURES });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  // 16 x 18 x 12 voxels of 3 x 3 x 4 mm, whose axes run to the right, the front and the top.
  const url = (query = ""): string => `${server.url}page/?src=../data/bold.nii${query}`;

  /** The axial plane, and the voxel that is at a distance from its middle, in pixels. */
  async function axialOf(viewer: ViewerPage) {
    const plane = viewer.page.locator("[data-plane=axial]");
    const box = (await plane.boundingBox())!;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const scale = Math.min(box.width / (16 * 3), box.height / (18 * 3));
    /** @param middle what is in the middle, in millimetres from there where all is seen */
    const voxelAt = (dx: number, dy: number, zoom: number, middle: readonly [number, number] = [0, 0]) => [
      15 - Math.floor((middle[0] + dx / (scale * zoom)) / 3 + 8),
      17 - Math.floor((middle[1] + dy / (scale * zoom)) / 3 + 9),
    ];
    return { plane, x, y, scale, voxelAt };
  }

  it("goes closer with the wheel, and elsewhere with the middle button", async () => {
    const viewer = await ViewerPage.open(browser, url());
    await viewer.settle();
    const { page } = viewer;
    const { plane, x, y, scale, voxelAt } = await axialOf(viewer);
    const at = async (dx: number, dy: number) => {
      await page.mouse.click(x + dx, y + dy);
      return (await viewer.crosshair())!.slice(0, 2);
    };
    expect(await at(31, -43)).toEqual(voxelAt(31, -43, 1));
    // Not closer, not moved: all is seen.
    await page.mouse.move(x, y);
    await page.mouse.down({ button: "middle" });
    await page.mouse.move(x + 50, y + 20, { steps: 3 });
    await page.mouse.up({ button: "middle" });
    expect(await at(31, -43)).toEqual(voxelAt(31, -43, 1));

    await at(2, 2);
    await page.mouse.move(x, y);
    await page.keyboard.down("Control");
    await page.mouse.wheel(0, -Math.log(4) * 300);
    await page.keyboard.up("Control");
    for (const [dx, dy] of [
      [31, -43],
      [-60, 50],
    ] as const)
      await expect.poll(() => at(dx, dy)).toEqual(voxelAt(dx, dy, 4));

    await at(2, 2);
    await page.mouse.move(x, y);
    await page.mouse.down({ button: "middle" });
    await page.mouse.move(x + 50, y + 20, { steps: 3 });
    await page.mouse.up({ button: "middle" });
    const moved = [-50 / (4 * scale), -20 / (4 * scale)] as const;
    expect(await at(31, -43)).toEqual(voxelAt(31, -43, 4, moved));
    // The tool does the same.
    await page.locator("[name=tool][value=pan]").check({ force: true });
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x - 50, y - 20, { steps: 3 });
    await page.mouse.up();
    await page.locator("[name=tool][value=crosshair]").check({ force: true });
    expect(await at(31, -43)).toEqual(voxelAt(31, -43, 4));

    await plane.press("0");
    expect(await viewer.crosshair()).toEqual([8, 9, 6]);
    expect(await at(31, -43)).toEqual(voxelAt(31, -43, 1));
    expect(viewer.errors).toEqual([]);
    await viewer.close();
  });

  it("goes closer with keys, and takes the crosshair along", async () => {
    const viewer = await ViewerPage.open(browser, url());
    await viewer.settle();
    const { plane } = await axialOf(viewer);
    await plane.focus();
    for (let n = 0; n < 8; n++) await plane.press("+");
    for (let n = 0; n < 7; n++) await plane.press("Shift+ArrowRight");
    expect(await viewer.crosshair()).toEqual([1, 9, 6]);
    await viewer.settle();
    // It is still to be seen: its colour is somewhere in the plane, away from the letters.
    const isSeen = (): Promise<boolean> =>
      plane.locator("canvas").evaluate((canvas: HTMLCanvasElement) => {
        const { width, height } = canvas;
        const { data } = canvas.getContext("2d")!.getImageData(0, height >> 2, width, 1);
        return data.some((value, n) => n % 4 === 2 && value - data[n - 2]! > 60);
      });
    await expect.poll(isSeen).toBe(true);
    for (let n = 0; n < 8; n++) await plane.press("-");
    await expect.poll(isSeen).toBe(true);
    expect(viewer.errors).toEqual([]);
    await viewer.close();
  });

  it("goes closer with two fingers", async () => {
    const viewer = await ViewerPage.open(browser, url(), { hasTouch: true });
    await viewer.settle();
    const { x, y, voxelAt } = await axialOf(viewer);
    const client = await viewer.page.context().newCDPSession(viewer.page);
    const touch = (type: "touchStart" | "touchMove" | "touchEnd", distance: number) =>
      client.send("Input.dispatchTouchEvent", {
        type,
        touchPoints:
          type === "touchEnd"
            ? []
            : [
                { x: x - distance, y, id: 0 },
                { x: x + distance, y, id: 1 },
              ],
      });
    await touch("touchStart", 20);
    for (let distance = 25; distance <= 60; distance += 5) await touch("touchMove", distance);
    await touch("touchEnd", 60);
    await viewer.page.touchscreen.tap(x + 31, y - 43);
    await expect.poll(async () => (await viewer.crosshair())!.slice(0, 2)).toEqual(voxelAt(31, -43, 3));
    expect(viewer.errors).toEqual([]);
    await viewer.close();
  });

  it("has left and right the other way around, neurologically", async () => {
    const viewer = await ViewerPage.open(browser, url("&convention=neurological"));
    await viewer.settle();
    const { x, y, voxelAt } = await axialOf(viewer);
    await viewer.page.mouse.click(x + 31, y - 43);
    const [i, j] = voxelAt(31, -43, 1);
    expect((await viewer.crosshair())!.slice(0, 2)).toEqual([15 - i!, j]);
    await viewer.close();
  });
});
