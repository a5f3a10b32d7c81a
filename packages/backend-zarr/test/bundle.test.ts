import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

const bundle = (module: string) =>
  build({
    entryPoints: [fileURLToPath(new URL(`../dist/${module}`, import.meta.url))],
    bundle: true,
    format: "esm",
    platform: "browser",
    splitting: true,
    outdir: "out",
    write: false,
    minify: true,
    metafile: true,
  });

test("a browser bundle holds nothing of Node, and loads rare codecs only when they are needed", async () => {
  const { outputFiles } = await bundle("index.js");
  for (const { text } of outputFiles) expect(text).not.toMatch(/["']node:/);
  const main = outputFiles.find(({ path }) => path.endsWith("/index.js"))!;
  // zstd and c-blosc are WebAssembly of hundreds of kilobytes.
  expect(main.text.length).toBeLessThan(250_000);
});

test("the Worker's bundle holds the decoders, and nothing of Node or of reading metadata", async () => {
  const { outputFiles, metafile } = await bundle("read/worker-web.js");
  for (const { text } of outputFiles) expect(text).not.toMatch(/["']node:/);
  expect(
    Object.keys(metafile.inputs).filter((file) => /zarrita|backend-zarr\/dist\/meta/.test(file)),
  ).toEqual([]);
  expect(outputFiles.find(({ path }) => path.endsWith("/worker-web.js"))!.text.length).toBeLessThan(80_000);
});
