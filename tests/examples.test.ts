import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { format, promisify, stripVTControlCharacters } from "node:util";
import { openImage } from "lazyimg";
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM, launch } from "./support/chromium.js";
import { agrees, expectationsOf, importsOf, ROOT, type Snippet, snippetsOf } from "./support/snippets.js";

/**
 * The projects in examples/, which the recipes show: each is built by its own script and run in a browser, with the library
 * that it is for. Those are large, so they are installed on demand, `pnpm recipes`.
 */

const FOLDER = `${ROOT}examples/`;
const SCAN = `${FOLDER}phantom.nii.gz`;
/** Where the page is said to be; what it asks of it comes from the folder that was built. */
const HOST = "http://example.localhost";

/** What cornerstone3D needs beside it: peers, and Node's modules for browsers. */
const UNNAMED = ["@cornerstonejs/metadata", "@cornerstonejs/utils", "events", "url"];

const names = readdirSync(FOLDER).filter((name) => existsSync(`${FOLDER}${name}/package.json`));

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
  await expect.poll(head, { message: `a head in ${selector}` }).toBe(true);
}

/** What is on the pages of the viewers in the end. */
const shows: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  niivue: (page) => showsHead(page, "canvas"),
  cornerstone3d: (page) => showsHead(page, "#viewer"),
};

/** Opens the page that was built into a folder, chooses the sample there, and waits until it has printed so many lines. */
async function run(
  browser: Browser,
  folder: string,
  lines: number,
  look?: (page: Page) => Promise<void>,
): Promise<string[]> {
  const page = await browser.newPage();
  const printed: Promise<string>[] = [];
  const wrong: string[] = [];
  try {
    page.on("pageerror", (error) => wrong.push(String(error.stack)));
    page.on("console", (message) => {
      if (message.type() !== "log") return;
      printed.push(Promise.all(message.args().map((arg) => arg.jsonValue())).then((args) => format(...args)));
    });
    await page.route("**/*", async (route) => {
      const url = new URL(route.request().url());
      if (url.protocol === "blob:" || url.protocol === "data:") return route.continue();
      if (url.origin !== HOST) {
        wrong.push(`asked for ${url.href}`);
        return route.abort();
      }
      const path = join(folder, url.pathname === "/" ? "index.html" : url.pathname);
      return existsSync(path) ? route.fulfill({ path }) : route.fulfill({ status: 404 });
    });
    await page.goto(HOST, { waitUntil: "networkidle" });
    await page.setInputFiles("input", SCAN);
    const done = (): boolean => printed.length >= lines || wrong.length > 0;
    await expect.poll(done, { message: "everything is printed" }).toBe(true);
    expect(wrong).toEqual([]);
    await look?.(page);
    return await Promise.all(printed);
  } finally {
    await page.close();
  }
}

let browser: Browser | undefined;

beforeAll(async () => {
  if (existsSync(CHROMIUM)) browser = await launch();
});

afterAll(async () => {
  await browser?.close();
});

const VITE = `${FOLDER}tensorflow/node_modules/vite/bin/vite.js`;

/** The first address that Vite prints. */
function addressOf(vite: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = "";
    vite.stdout!.on("data", (text: string) => {
      printed += stripVTControlCharacters(String(text));
      const [address] = /http:\/\/\S+/.exec(printed) ?? [];
      if (address !== undefined) resolve(address);
    });
    vite.on("exit", () => reject(new Error(`Vite ended: ${printed}`)));
  });
}

test.skipIf(!existsSync(VITE))(
  "a .nii.gz on Vite's server, with the configuration of docs/http.md",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "lazyimg-vite-"));
    const { code } = snippetsOf("docs/http.md").find(({ file }) => file === "vite.config.ts")!;
    await mkdir(join(folder, "public"));
    await copyFile(SCAN, join(folder, "public", "scan.nii.gz"));
    try {
      for (const [config, encoding] of [
        ["", "gzip"],
        [code, null],
      ] as const) {
        await writeFile(join(folder, "vite.config.ts"), config || "export default {};");
        const vite = spawn(process.execPath, [VITE, "--host", "127.0.0.1"], {
          cwd: folder,
          stdio: ["ignore", "pipe", "ignore"],
        });
        try {
          const url = new URL("scan.nii.gz", await addressOf(vite));
          const { status, headers } = await fetch(url, { headers: { range: "bytes=0-99" } });
          expect([status, headers.get("content-encoding")]).toEqual([206, encoding]);
          const opened = openImage(url);
          if (encoding !== null) await expect(opened).rejects.toMatchObject({ code: "ERR_HTTP" });
          else expect((await opened).shape).toEqual([1, 128, 150, 64]);
        } finally {
          vite.kill();
        }
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);

describe.each(names)("%s", (name) => {
  const folder = FOLDER + name;
  const code = readFileSync(`${folder}/main.ts`, "utf8");
  const main: Snippet = { page: `examples/${name}/main.ts`, line: 1, code, browser: true, file: undefined };

  test("is what its recipe shows", () => {
    expect(readFileSync(`${ROOT}docs/recipes/${name}.md`, "utf8")).toContain(`\n<<< ../../${main.page}\n`);
  });

  test("has the packages that it imports, and no others", () => {
    const { dependencies } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8")) as {
      dependencies: Readonly<Record<string, string>>;
    };
    const imported = importsOf(main).map((specifier) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0]);
    expect(Object.keys(dependencies).filter((other) => !UNNAMED.includes(other))).toEqual(
      [...new Set(imported)].sort(),
    );
  });

  test.skipIf(!existsSync(`${folder}/node_modules`) || !existsSync(CHROMIUM))(
    "builds, runs, and prints what it says",
    async () => {
      const built = await mkdtemp(join(tmpdir(), "lazyimg-example-"));
      try {
        const options = ["--outDir", built, "--emptyOutDir", "--logLevel", "error"];
        await promisify(execFile)("npm", ["run", "build", "--", ...options], { cwd: folder });
        const said = expectationsOf(main).flatMap(({ prints }) => prints);
        const printed = await run(browser!, built, said.length, shows[name]);
        expect(said).not.toEqual([]);
        expect(printed.map((text, n) => (agrees(said[n] ?? "", text) ? said[n] : text))).toEqual(said);
      } finally {
        await rm(built, { recursive: true, force: true });
      }
    },
  );
});
