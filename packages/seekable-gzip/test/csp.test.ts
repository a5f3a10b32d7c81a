import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium } from "playwright";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sample } from "./sample.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** What runs in the page. */
const script = `
import { gzipSource } from "@lazyimg/seekable-gzip";
import { Inflater } from "@lazyimg/codecs";
window.run = async () => {
  const file = new Uint8Array(await (await fetch("/file")).arrayBuffer());
  const source = gzipSource({
    gap: 0,
    size: async () => file.length,
    read: async (offset, length) => file.slice(offset, offset + length),
    async *stream(offset, length) {
      yield file.subarray(offset, Math.min(file.length, offset + length));
    },
  }, { spacing: 65536 });
  const digest = async (bytes) =>
    [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const ahead = await digest(await source.read(150_000, 20_000));
  await source.read(0, 1_000_000);
  return { kind: new Inflater().kind, ahead, again: await digest(await source.read(150_000, 20_000)) };
};
`;

describe.runIf(existsSync(executablePath))("in a page whose Content-Security-Policy", () => {
  let server: Server;
  let browser: Browser;
  let policy = "";

  beforeAll(async () => {
    const { outputFiles } = await build({
      stdin: { contents: script, resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
      bundle: true,
      format: "esm",
      write: false,
    });
    const file = await readFile(new URL("fixtures/zlib-6.gz", import.meta.url));
    server = createServer(({ url }, response) => {
      response.setHeader("content-security-policy", policy);
      if (url === "/page.js") response.setHeader("content-type", "text/javascript").end(outputFiles[0]!.text);
      else if (url === "/file") response.end(file);
      else
        response.setHeader("content-type", "text/html").end('<script type="module" src="/page.js"></script>');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it.each([
    ["forbids WebAssembly, the plain decoder takes over", "script-src 'self'", "js"],
    ["allows it, it is used", "script-src 'self' 'wasm-unsafe-eval'", "wasm"],
  ])("%s", async (_, header, kind) => {
    policy = header;
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction("window.run");
    const part = Uint8Array.from(sample().subarray(150_000, 170_000));
    const expected = Buffer.from(await crypto.subtle.digest("SHA-256", part)).toString("hex");
    expect(await page.evaluate("run()")).toEqual({ kind, ahead: expected, again: expected });
    await page.close();
  });
});
