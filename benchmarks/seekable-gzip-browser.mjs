// Inside gzip in Chromium: the pass and random reads, beside DecompressionStream and fflate, taking turns; and how long the
// page's own thread is held up. `node benchmarks/seekable-gzip-browser.mjs [rounds]` prints a Markdown table.
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright";
import { median, show, spread, table } from "./measure.mjs";
import { gzipFile, HEADER, picker } from "./volumes.mjs";

const rounds = Number(process.argv[2] ?? 3);
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const path = await gzipFile([1, 512, 512, 400]);
const PLANE = 512 * 512 * 2;
const SIZE = HEADER + 400 * PLANE;
const packages = fileURLToPath(new URL("../packages/", import.meta.url));

/** What the page can do; `times` are in milliseconds, `longest` is its longest task. */
const page = `
import { bytesSource, httpSource } from "@lazyimg/byte-source";
import { buildIndex, gzipSource, writeIndex } from "@lazyimg/seekable-gzip";
import { workerGzipSource } from "@lazyimg/seekable-gzip/worker";
import { gunzipSync } from "fflate";

const url = new URL("/volume.nii.gz", location.href).href;
const file = new Uint8Array(await (await fetch(url)).arrayBuffer());
const timed = async (work) => {
  let longest = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
  });
  observer.observe({ type: "longtask" });
  // In a task of the page's own.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const start = performance.now();
  const bytes = await work();
  const ms = performance.now() - start;
  await new Promise((resolve) => setTimeout(resolve, 200));
  observer.disconnect();
  return { ms, bytes, longest };
};
const passOf = (open) => timed(async () => {
  const source = open(bytesSource(file));
  const end = ${SIZE} - 1000;
  const { length } = await source.read(end, 1000);
  await source.close();
  return end + length;
});
let indexed;
window.contestants = {
  pass: () => passOf(gzipSource),
  worker: () => passOf(workerGzipSource),
  stream: () => timed(async () => {
    let bytes = 0;
    for await (const piece of new Blob([file]).stream().pipeThrough(new DecompressionStream("gzip"))) bytes += piece.length;
    return bytes;
  }),
  fflate: () => timed(async () => {
    return gunzipSync(file).length;
  }),
};
window.prepare = async () => {
  indexed = gzipSource(httpSource(url), { sidecar: writeIndex(await buildIndex(bytesSource(file))) });
  await indexed.size();
};
window.axial = (k) => timed(async () => (await indexed.read(${HEADER} + k * ${PLANE}, ${PLANE})).length);
window.ready = true;
`;

const bundle = async (contents) => {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    write: false,
    // A dependency of others, not of the workspace.
    alias: { fflate: fflate() },
  });
  return outputFiles[0].text;
};
function fflate() {
  const found = fileURLToPath(
    new URL("../node_modules/.pnpm/fflate@0.8.3/node_modules/fflate", import.meta.url),
  );
  if (!existsSync(found)) throw new Error("No fflate 0.8.3: nifti-reader-js has it");
  return found;
}
const scripts = {
  "/page.js": await bundle(page),
  // Where bundlers put a Worker: beside the script.
  "/pass-worker.js": await bundle(
    readFileSync(`${packages}seekable-gzip/dist/pass-worker.js`, "utf8").replaceAll(
      '"./',
      `"${packages}seekable-gzip/dist/`,
    ),
  ),
};

const { size } = statSync(path);
const server = createServer(({ url, headers }, response) => {
  if (url === "/volume.nii.gz") {
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "") ?? [];
    const start = Number(from ?? 0);
    const end = to ? Math.min(Number(to), size - 1) : size - 1;
    response.writeHead(from === undefined ? 200 : 206, {
      "content-length": end - start + 1,
      etag: '"1"',
      ...(from !== undefined && { "content-range": `bytes ${start}-${end}/${size}` }),
    });
    createReadStream(path, { start, end, highWaterMark: 1 << 20 }).pipe(response);
    return;
  }
  const type = scripts[url] ? "text/javascript" : "text/html";
  response.setHeader("content-type", type);
  response.end(scripts[url] ?? '<script type="module" src="/page.js"></script>');
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const tab = await browser.newPage();
await tab.goto(`http://127.0.0.1:${server.address().port}/`);
await tab.waitForFunction("window.ready");

const names = ["pass", "worker", "stream", "fflate"];
const all = Object.fromEntries([...names, "axial"].map((name) => [name, []]));
for (let round = 0; round <= rounds; round++) {
  for (const name of names) {
    const result = await tab.evaluate(`contestants.${name}()`);
    if (result.bytes !== SIZE) throw new Error(`${name} gave ${result.bytes} bytes`);
    if (round > 0) all[name].push(result);
  }
}
await tab.evaluate("prepare()");
const pick = picker();
for (let n = 0; n < 20; n++) all.axial.push(await tab.evaluate(`axial(${pick(400)})`));
const version = browser.version();
await browser.close();
server.closeAllConnections();
server.close();

const ms = (name) => median(all[name].map((result) => result.ms));
const longest = (name) => Math.max(...all[name].map((result) => result.longest));
const row = (what, name) => [
  what,
  spread(all[name].map((result) => result.ms)),
  (ms("stream") / ms(name)).toFixed(1),
  (ms("fflate") / ms(name)).toFixed(1),
  longest(name) === 0 ? "< 50" : show(longest(name)),
];
console.log(
  `Chromium ${version}, a file in memory; ${(SIZE / 1e6).toFixed(0)} MB, ${(size / 1e6).toFixed(0)} MB gzipped; medians (and range) of ${rounds} rounds.\n`,
);
console.log(
  table(
    ["", "ms", "times DecompressionStream", "times fflate", "longest task of the page, ms"],
    [
      row("pass, leaving an index", "pass"),
      row("pass in a Worker, leaving an index", "worker"),
      row("DecompressionStream, no index", "stream"),
      row("fflate, no index", "fflate"),
      row("axial slice at random, over HTTP by ranges", "axial"),
    ],
  ),
);
