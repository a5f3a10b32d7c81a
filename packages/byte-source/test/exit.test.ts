import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";
import { pattern, rangeHandler, serve, type TestServer, wholeHandler } from "./server.js";

const body = pattern(60 << 20);
let server: TestServer;

afterEach(() => server.close());

/** Runs a module that reads from `server`, in a Node of its own that has to end by itself. */
async function run(script: string): Promise<string> {
  const module = `import { httpSource } from "@lazyimg/byte-source"; const url = ${JSON.stringify(server.url)}; ${script}`;
  const args = ["--input-type=module", "-e", module];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
    cwd: import.meta.dirname,
    timeout: 240_000,
  });
  expect(stderr).toBe("");
  return stdout;
}

test("a process ends after reads, with sources left open", async () => {
  server = await serve(rangeHandler(body));
  const stdout = await run(`
    const { signal } = new AbortController();
    const source = httpSource(url);
    const reads = await Promise.all(Array.from({ length: 200 }, (_, i) => source.read(i * 1000, 1000, { signal })));
    for await (const piece of source.stream(0, Infinity)) break;
    console.log(reads.length, await source.size());
  `);
  expect(stdout).toBe(`200 ${body.length}\n`);
});

test("a process ends after aborts, though the server never answers", async () => {
  server = await serve(() => {});
  const stdout = await run(`
    const source = httpSource(url);
    const signal = AbortSignal.timeout(100);
    const outcomes = await Promise.allSettled([source.read(0, 9, { signal }), source.read(9, 9, { signal }), source.size({ signal })]);
    console.log(outcomes.every((one) => one.reason === signal.reason));
  `);
  expect(stdout).toBe("true\n");
});

test("a process ends in the middle of a retry that was aborted", async () => {
  server = await serve((_request, response) => response.writeHead(503, { "retry-after": "25" }).end());
  // It waits for half a minute when the answer has come; what is left of that would be a timer.
  expect(
    await run(`
      const controller = new AbortController();
      const fetched = async (...args) => {
        const response = await fetch(...args);
        setTimeout(() => controller.abort("enough"), 100);
        return response;
      };
      await httpSource(url, { fetch: fetched }).read(0, 9, controller).catch((error) => console.log(error));
      console.log(process.getActiveResourcesInfo().filter((kind) => kind === "Timeout"));
    `),
  ).toBe("enough\n[]\n");
});

test("a process ends soon after a header from a server that ignores ranges", async () => {
  server = await serve(wholeHandler(body));
  expect(await run(`console.log((await httpSource(url).read(0, 348)).length);`)).toBe("348\n");
  expect(server.sent).toBeLessThan(body.length / 2);
});
