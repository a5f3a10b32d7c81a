// Makes the command one file, dist/bin/lazyimg.cjs: `lazyimg info` is to take little more time than Node itself needs to
// start, and finding and linking a hundred modules would double it. What opens NIfTI is in it; other formats are imported
// from their packages when they are needed.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await build({
  entryPoints: [here("../src/cli/main.ts")],
  outfile: here("../dist/bin/lazyimg.cjs"),
  bundle: true,
  platform: "node",
  // The loader of ES modules alone takes as long as opening an image.
  format: "cjs",
  target: "node20",
  minifySyntax: true,
  minifyWhitespace: true,
  external: ["lazyimg", "@lazyimg/backend-zarr", "@lazyimg/distributed", "esbuild", "open", "send"],
  alias: { fflate: here("../src/cli/no-fflate.ts") },
  // `performance` loads node:perf_hooks when it is first used, and clocks are only used to wait here.
  define: { "performance.now": "Date.now" },
  logLevel: "warning",
});
