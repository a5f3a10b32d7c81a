import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { CrosshairDetail, LazyImageViewer } from "@lazyimg/viewer";
import type { Browser, Page } from "playwright";
import send from "send";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask } from "./ask.js";
import { hasChromium, launch, openPage } from "./browser.js";
import { lazyimg, PHANTOM } from "./command.js";
import { memoryOf } from "./memory.js";
import { type Viewing, view } from "./view.js";

/** A server of the phantom that any origin may read: who sends `authorization`, or everybody. Others get `status`. */
async function demandingServer(authorization?: string, status = 401) {
  const log: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-allow-headers", "range, authorization");
    response.setHeader("access-control-expose-headers", "content-range, etag");
    if (request.method === "OPTIONS") return response.writeHead(204).end();
    log.push(request.headers);
    if (authorization !== undefined && request.headers.authorization !== authorization)
      return response.writeHead(status).end();
    return send(request, new URL(request.url!, "http://host").pathname, { root: dirname(PHANTOM) }).pipe(
      response,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    log,
    url: `http://127.0.0.1:${port}/phantom.nii.gz`,
    close: () =>
      new Promise<unknown>((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

describe.skipIf(!hasChromium)("lazyimg view, in a browser", () => {
  let browser: Browser;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "lazyimg view "));
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The page of `lazyimg view ARGS`, and what it complains of. */
  async function visit(...args: string[]): Promise<{ viewing: Viewing; page: Page; errors: string[] }> {
    const viewing = await view(args);
    return { viewing, ...(await openPage(browser, viewing.url)) };
  }

  async function leave({ viewing, page, errors }: Awaited<ReturnType<typeof visit>>, expected = /^$/) {
    await page.close();
    await viewing.stop();
    expect(errors.filter((error) => !expected.test(error))).toEqual([]);
  }
  /** Chunks of zeros are not there, and an index was looked for. */
  const NOT_THERE = /404/;

  it.each(["zstd", "blosc", "gzip"])("shows a Zarr of %s chunks, within its policy", async (codec) => {
    const zarr = join(folder, `${codec}.nii.zarr`);
    expect((await lazyimg("convert", PHANTOM, zarr, "--codec", codec, "--levels", "2")).code).toBe(0);
    const visited = await visit(zarr, "--overlay", PHANTOM);
    await visited.page.locator("[data-show=label]", { hasText: /^400$/ }).waitFor();
    expect(await visited.page.locator("[data-show=value]").textContent()).toBe("400");
    await leave(visited, NOT_THERE);
  });

  describe("a server that wants to know who asks", () => {
    const SECRET = "Bearer 5ec-ret";

    it("is read with --header, which is told to nobody else", async () => {
      const [own, other] = [await demandingServer(SECRET), await demandingServer()];
      const visited = await visit(own.url, "--overlay", other.url, "--header", `Authorization: ${SECRET}`);
      const { viewing, page } = visited;
      await page.locator("[data-show=label]", { hasText: /^400$/ }).waitFor();
      expect(await page.locator("[data-show=value]").textContent()).toBe("400");
      expect(own.log.length).toBeGreaterThan(1);
      expect(own.log.every(({ authorization }) => authorization === SECRET)).toBe(true);
      expect(other.log.length).toBeGreaterThan(1);
      expect(other.log.every(({ authorization }) => authorization === undefined)).toBe(true);

      for (const place of [viewing.url, page.url(), await page.content()])
        expect(place).not.toContain("5ec-ret");
      const kept = await page.evaluate(() =>
        JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, history.state]),
      );
      expect(kept).not.toContain("5ec-ret");
      // Who has no token, or is another site, is not told either.
      const headers = new URL("headers.json", viewing.url);
      expect((await ask(headers.href)).body.toString()).toContain(SECRET);
      expect((await ask(headers.href)).headers["cache-control"]).toBe("no-store");
      expect((await ask(`${headers.origin}/headers.json`)).status).toBe(403);
      const foreign = { origin: "https://evil.example" };
      expect((await ask(headers.href, { headers: foreign })).status).toBe(403);
      await leave(visited, NOT_THERE);
      await Promise.all([own.close(), other.close()]);
    });

    it("tells nobody to whom it redirects", async () => {
      const other = await demandingServer();
      const moved = createServer(({ method }, response) => {
        const headers = { "access-control-allow-origin": "*", "access-control-allow-headers": "*" };
        response.writeHead(method === "OPTIONS" ? 204 : 302, { ...headers, location: other.url }).end();
      });
      await new Promise<void>((resolve) => moved.listen(0, "127.0.0.1", resolve));
      const { port } = moved.address() as AddressInfo;
      const visited = await visit(`http://127.0.0.1:${port}/scan.nii`, "--header", "X-Api-Key: 5ec-ret");
      await visited.page.locator(".message").waitFor({ state: "visible" });
      expect(other.log).toEqual([]);
      await leave(visited, /Content Security Policy|Failed to load/);
      moved.closeAllConnections();
      moved.close();
      await other.close();
    });

    it.each([401, 403])("is told of, with what to do: %s", async (status) => {
      const own = await demandingServer(SECRET, status);
      for (const args of [[own.url], [own.url, "--header", "Authorization: Bearer old"]]) {
        const visited = await visit(...args);
        const message = visited.page.locator(".message");
        await message.waitFor({ state: "visible" });
        const text = await message.textContent();
        expect(text).toMatch(/does not let everybody read this.*lazyimg view --header "Authorization: …"/);
        expect(text).toContain(`answered ${status}`);
        await leave(visited, new RegExp(String(status)));
      }
      await own.close();
    });

    it("cannot be told what browsers send by themselves", async () => {
      const { code, stderr } = await lazyimg("view", "https://example.org/a.nii", "--header", "Cookie: a=b");
      expect(code).toBe(2);
      expect(stderr).toMatch(/--header Cookie.*no page.*Authorization/);
      expect((await lazyimg("view", PHANTOM, "--header", "nonsense")).code).toBe(2);
    });
  });

  describe("a .nii of 4 GiB", () => {
    const SIZE = 1290;
    const MIDDLE = SIZE >> 1;
    const KNOWN = (i: number, k: number): number => 900 + ((i + 7 * k) % 100);
    let path: string;

    /** All but the coronal plane through the middle is a hole. */
    beforeAll(() => {
      path = join(folder, "large.nii");
      const head = Buffer.alloc(352);
      head.writeInt32LE(348, 0);
      for (const [n, size] of [3, SIZE, SIZE, SIZE, 1, 1, 1, 1].entries())
        head.writeInt16LE(size, 40 + 2 * n);
      head.writeInt16LE(4, 70); // int16
      head.writeInt16LE(16, 72);
      for (const n of [0, 1, 2, 3]) head.writeFloatLE(n === 0 ? 1 : 0.2, 76 + 4 * n);
      head.writeFloatLE(352, 108);
      head.writeInt16LE(1, 254); // sform
      for (const row of [0, 1, 2]) head.writeFloatLE(0.2, 280 + 20 * row);
      head.write("n+1\0", 344, "latin1");
      const file = openSync(path, "w");
      writeSync(file, head);
      ftruncateSync(file, 352 + 2 * SIZE ** 3);
      for (let k = 0; k < SIZE; k++) {
        const row = Int16Array.from({ length: SIZE }, (_, i) => KNOWN(i, k));
        writeSync(file, row, 0, 2 * SIZE, 352 + 2 * SIZE * (MIDDLE + SIZE * k));
      }
      closeSync(file);
    });

    it("shows each plane after few bytes and requests, and scrolls within its memory", async () => {
      // What is looked at when a plane has come is what has come by then: it is more where looking takes long.
      let visited = await visit(path);
      const traffic = () =>
        visited.page.evaluate(() => document.querySelector<LazyImageViewer>("lazy-image-viewer")!.traffic);
      type Traffic = Awaited<ReturnType<typeof traffic>>;
      const firsts = async (): Promise<{ first: Traffic; coronal: Traffic }> => {
        const { page } = visited;
        // Of each plane something is seen: all of the coronal one, and of the others a line, in the gap of the crosshair.
        await page.waitForFunction(() => {
          const { shadowRoot } = document.querySelector("lazy-image-viewer")!;
          return [...shadowRoot!.querySelectorAll("canvas")].every((canvas) => {
            const { width, height } = canvas;
            if (width === 0) return false;
            const { data } = canvas
              .getContext("2d")!
              .getImageData((width >> 1) - 6, (height >> 1) - 6, 12, 12);
            return data.some((value, n) => n % 4 === 0 && value > 2 && data[n + 2] === value);
          });
        });
        const first = await traffic();
        // The coronal plane is the next to be all there, and the sagittal one waits for it.
        await page.locator("[data-plane=coronal][aria-busy=false]").waitFor();
        return { first, coronal: await traffic() };
      };
      // An axial plane has 3.2 MiB. Of a coronal one 184 of 1290 rows come first, several in a request, and of a
      // sagittal one, which lies all over the file, 14 axial planes.
      const within = { first: 128 * 2 ** 20, coronal: 256 * 2 ** 20 };
      let seen = await firsts();
      const isLate = ({ first, coronal }: typeof seen) =>
        Math.max(first.requests, coronal.requests) >= 150 ||
        first.bytes >= within.first ||
        coronal.bytes >= within.coronal;
      for (let again = 0; again < 4 && isLate(seen); again++) {
        await leave(visited);
        visited = await visit(path);
        seen = await firsts();
      }
      const { page } = visited;
      const { first, coronal } = seen;
      expect(first.bytes).toBeLessThan(within.first);
      expect(first.requests).toBeLessThan(150);
      expect(first.total).toBe(352 + 2 * SIZE ** 3);
      expect(coronal.bytes).toBeLessThan(within.coronal);
      expect(coronal.requests).toBeLessThan(150);

      // The sagittal plane then gets finer by itself.
      const sagittal = page.locator("[data-plane=sagittal]");
      await sagittal.locator(".note", { hasText: "Refining" }).waitFor();
      expect((await traffic()).bytes).toBeGreaterThan(coronal.bytes + 128 * 2 ** 20);
      expect(await sagittal.locator("button").count()).toBe(0);

      // What is there is exact, however coarse the planes are.
      for (const [i, j, k] of [
        [3, MIDDLE, 1287],
        [1289, MIDDLE, 0],
        [700, MIDDLE, 701],
        [700, MIDDLE + 1, 701],
      ] as const) {
        const found = await page.evaluate(
          async (voxel) => {
            const viewer = document.querySelector<LazyImageViewer>("lazy-image-viewer")!;
            const told = new Promise<Event>((resolve) =>
              viewer.addEventListener("crosshairchange", resolve, { once: true }),
            );
            viewer.crosshair = voxel;
            return ((await told) as CustomEvent<CrosshairDetail>).detail;
          },
          [i, j, k] as const,
        );
        expect(found).toMatchObject({ voxel: [i, j, k], value: [j === MIDDLE ? KNOWN(i, k) : 0] });
      }

      // A hundred slices, and some of the planes that take more, as fast as the screen shows them.
      const before = await traffic();
      for (const [axis, slices] of [
        [2, 100],
        [1, 30],
        [0, 30],
      ] as const) {
        await page.evaluate(
          async ([along, count]) => {
            const viewer = document.querySelector<LazyImageViewer>("lazy-image-viewer")!;
            for (let n = 0; n < count; n++) {
              const voxel: [number, number, number] = [645, 645, 645];
              voxel[along] = 600 + n;
              viewer.crosshair = voxel;
              await new Promise((resolve) => requestAnimationFrame(resolve));
            }
          },
          [axis, slices] as const,
        );
      }
      const after = await traffic();
      const memory = await memoryOf(browser, page);
      // A slice that was passed costs what it has, at most, and those ahead; what takes long was given up, but for what the
      // sagittal plane gets in the meantime.
      expect(after.bytes - before.bytes).toBeLessThan(160 * 2 * 2 * SIZE ** 2 + 2048 * 2 ** 20);
      expect(after.aborted).toBeGreaterThan(before.aborted);
      expect(after.cached).toBeLessThanOrEqual(192 * 2 ** 20);
      // Kept, on its way, and what the page shows; not a hundred planes, nor what was given up.
      expect(memory.workers).toHaveLength(1);
      expect(memory.workers[0]).toBeLessThan((192 + 2 * 64 + 32) * 2 ** 20);
      expect(memory.page).toBeLessThan(48 * 2 ** 20);
      // The engine itself, its caches, and what garbage there was.
      expect(memory.peak).toBeLessThan(1024 * 2 ** 20);
      await leave(visited);
    });
  });
});
