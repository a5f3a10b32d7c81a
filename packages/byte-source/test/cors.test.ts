import { existsSync } from "node:fs";
import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asked, type Handler, pattern, rangeHandler, serve, type TestServer, until } from "./server.js";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const body = pattern(200_000);
const open = { "access-control-allow-origin": "*" };
const exposed = { ...open, "access-control-expose-headers": "Content-Range, ETag" };

/** A page of one origin that reads from another, in a real browser. */
describe.runIf(existsSync(executablePath))("httpSource across origins in a browser", () => {
  let browser: Browser;
  let page: Page;
  let home: TestServer;
  let server: TestServer;
  let handler: Handler;

  beforeAll(async () => {
    const { outputFiles } = await build({
      stdin: {
        contents: `
          import { httpSource } from "@lazyimg/byte-source";
          // What was taken of bodies.
          globalThis.taken = 0;
          const watched = async (input, init) => {
            const response = await fetch(input, init);
            const transform = (piece, controller) => {
              controller.enqueue(piece);
              taken += piece.length;
            };
            const passing = new TransformStream({ transform }, undefined, { highWaterMark: 0 });
            return new Response(response.body?.pipeThrough(passing), response);
          };
          globalThis.readAt = async (url, ranges, { watch, ...options }) => {
            const source = httpSource(url, { ...options, ...(watch && { fetch: watched }) });
            try {
              const reads = await Promise.all(ranges.map(([offset, length]) => source.read(offset, length)));
              return { reads: reads.map((read) => Array.from(read)), size: await source.size(), version: await source.version() };
            } catch (error) {
              return { code: error.code, message: error.message };
            }
          };`,
        resolveDir: import.meta.dirname,
      },
      bundle: true,
      format: "iife",
      platform: "browser",
      write: false,
    });
    const script = outputFiles[0]?.text ?? "";
    home = await serve((_request, response) => {
      response
        .writeHead(200, { "content-type": "text/html" })
        .end(`<!doctype html><script>${script}</script>`);
    });
    server = await serve((request, response, count) => handler(request, response, count));
    browser = await chromium.launch({
      executablePath,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic"],
    });
    page = await browser.newPage();
    await page.goto(home.url);
  });

  afterAll(async () => {
    await browser.close();
    await home.close();
    await server.close();
  });

  interface Outcome {
    readonly reads?: number[][];
    readonly size?: number | null;
    readonly version?: string | null;
    readonly code?: string;
    readonly message?: string;
  }

  async function read(ranges: [offset: number, length: number][], options: object = {}): Promise<Outcome> {
    server.ranges.length = 0;
    const call = `readAt(${JSON.stringify(server.url)}, ${JSON.stringify(ranges)}, ${JSON.stringify(options)})`;
    return page.evaluate(call);
  }

  const part = (offset: number, length: number): number[] =>
    Array.from(body.subarray(offset, offset + length));

  test("with Content-Range exposed all is known", async () => {
    handler = rangeHandler(body, { ...exposed, etag: '"e"' });
    const found = await read([
      [10, 20],
      [150_000, 30],
    ]);
    expect(found).toEqual({
      reads: [part(10, 20), part(150_000, 30)],
      size: body.length,
      version: `"e":${body.length}`,
    });
    expect(server.ranges).toEqual(["bytes=10-29", "bytes=150000-150029"]); // and no preflight
    expect(server.requests.at(-1)?.headers["accept-encoding"]).toBe("identity");
  });

  test("with Content-Range hidden reads are right, and the size is not known", async () => {
    handler = rangeHandler(body, open);
    expect(
      await read([
        [10, 20],
        [150_000, 30],
      ]),
    ).toEqual({ reads: [part(10, 20), part(150_000, 30)], size: null, version: null });
    const outside: Handler = (request, response, count) => {
      const range = asked(request, body.length);
      if (range !== null && range.start >= body.length) return response.writeHead(416, open).end();
      return rangeHandler(body, open)(request, response, count);
    };
    handler = outside;
    expect((await read([[body.length - 5, 100]])).reads).toEqual([part(body.length - 5, 5)]);
  });

  test("reads of one URL are not answered one after the other", async () => {
    let now = 0;
    let most = 0;
    let asked = 0;
    handler = async (request, response, count) => {
      most = Math.max(most, ++now);
      // The first goes alone; then all wait until there are as many.
      if (asked++ > 0) await until(() => most >= 4);
      now--;
      rangeHandler(body, exposed)(request, response, count);
    };
    const found = await read(Array.from({ length: 7 }, (_, i) => [i * 1000, 10]));
    expect(found.reads).toEqual(Array.from({ length: 7 }, (_, i) => part(i * 1000, 10)));
    expect(most).toBeGreaterThanOrEqual(4);
  });

  test("a server that allows no other origin is ERR_HTTP that speaks of CORS", async () => {
    handler = rangeHandler(body);
    const found = await read([[0, 10]], { retries: 0 });
    expect(found.code).toBe("ERR_HTTP");
    expect(found.message).toContain("CORS");
  });

  test("a dropped connection costs only the rest", async () => {
    let count = 0;
    handler = (request, response) => {
      if (++count > 1) return rangeHandler(body, exposed)(request, response, count);
      response.writeHead(206, {
        ...exposed,
        "content-range": `bytes 0-99999/${body.length}`,
        "content-length": 100_000,
      });
      response.write(body.subarray(0, 40_000));
      return void expect
        .poll(() => page.evaluate("taken"))
        .toBe(40_000)
        .then(() => response.destroy());
    };
    expect((await read([[0, 100_000]], { watch: true })).reads).toEqual([part(0, 100_000)]);
    expect(server.ranges).toEqual(["bytes=0-99999", "bytes=40000-99999"]);
  });
});
