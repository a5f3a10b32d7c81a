import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium } from "playwright";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const here = fileURLToPath(new URL(".", import.meta.url));

/** What runs in the page, or in a Worker of it: reads until Workers had a part, or often. */
const script = `
import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { zarrStore } from "@lazyimg/backend-zarr/backend";
import { writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { createRequest, IDENTITY, Tensor } from "@lazyimg/core";

let answers = 0;
let failures = 0;
const Real = globalThis.Worker;
globalThis.Worker = class extends Real {
  constructor(url, options) {
    super(url, options);
    this.addEventListener("message", ({ data }) => (answers += "memory" in data));
    this.addEventListener("error", () => failures++);
  }
};
async function read() {
  const data = Int16Array.from({ length: 256 * 256 * 128 }, (_, n) => (n % 251) + (n >> 12));
  const tensor = new Tensor({ data, dtype: "int16", shape: [1, 256, 256, 128] });
  const files = new Map();
  await writeNiftiZarr(tensorBackend(tensor, IDENTITY), files, { levels: 1 });
  const image = await zarrStore.open(createRequest(files, { readerOptions: { cacheBytes: 0 } }), {});
  let same = true;
  for (let n = 0; n < 40 && answers === 0 && (failures === 0 || n < 3); n++) {
    const found = (await image.toTensor()).copy("C").data;
    same &&= found.every((value, at) => value === data[at]);
  }
  await image.close();
  return { same, inWorkers: answers > 0, failed: failures > 0 };
}
if (typeof document === "undefined") read().then(postMessage);
else {
  window.run = read;
  window.runInside = () =>
    new Promise((resolve, reject) => {
      const worker = new Real("/page.js", { type: "module" });
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = reject;
    });
}
`;

const bundle = async (input: object): Promise<string> => {
  const { outputFiles } = await build({ ...input, bundle: true, format: "esm", write: false });
  return outputFiles[0]!.text;
};

describe.runIf(existsSync(executablePath))("a page", () => {
  let server: Server;
  let browser: Browser;
  let policy = "";
  const files = new Map<string, string>();

  beforeAll(async () => {
    files.set("/page.js", await bundle({ stdin: { contents: script, resolveDir: here } }));
    files.set(
      "/worker-web.js",
      await bundle({ entryPoints: [fileURLToPath(new URL("../dist/read/worker-web.js", import.meta.url))] }),
    );
    server = createServer(({ url = "" }, response) => {
      response.setHeader("content-security-policy", policy);
      const text = files.get(url);
      if (text !== undefined) response.setHeader("content-type", "text/javascript").end(text);
      else if (url === "/")
        response.setHeader("content-type", "text/html").end('<script type="module" src="/page.js"></script>');
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  const run = async (header: string, what: "run()" | "runInside()"): Promise<unknown> => {
    policy = header;
    const page = await browser.newPage();
    await page.addInitScript("Object.defineProperty(navigator, 'hardwareConcurrency', { value: 3 })");
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction("window.run");
    const result = await page.evaluate(what);
    await page.close();
    return result;
  };
  const allowed = "script-src 'self' 'wasm-unsafe-eval'";

  it("that allows Workers decodes in them", async () => {
    expect(await run(allowed, "run()")).toEqual({ same: true, inWorkers: true, failed: false });
  });

  it("whose Content-Security-Policy forbids them decodes itself", async () => {
    expect(await run(`${allowed}; worker-src 'none'`, "run()")).toEqual({
      same: true,
      inWorkers: false,
      failed: true,
    });
  });

  it("without WebAssembly has Workers without WebAssembly", async () => {
    expect(await run("script-src 'self'", "run()")).toEqual({ same: true, inWorkers: true, failed: false });
  });

  it("that reads in a Worker of its own has Workers of that", async () => {
    expect(await run(allowed, "runInside()")).toMatchObject({ same: true, inWorkers: true });
  });

  it("whose bundle has no Worker's file decodes itself", async () => {
    const file = files.get("/worker-web.js")!;
    files.delete("/worker-web.js");
    const found = await run(allowed, "run()");
    files.set("/worker-web.js", file);
    expect(found).toEqual({ same: true, inWorkers: false, failed: true });
  });
});
