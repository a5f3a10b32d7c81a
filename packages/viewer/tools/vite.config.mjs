// Builds the page, dist/page/: files that any server can serve from any folder.
import { copyFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { itkPipelines } from "@lazyimg/reader-itk/backend";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const page = here("../dist/page");

/** Leaves the WebAssembly of ITK's readers beside the page, which fetches that of a format when a file needs it. */
const withItk = {
  name: "itk",
  closeBundle() {
    const require = createRequire(fileURLToPath(import.meta.resolve("@lazyimg/reader-itk/backend")));
    const folder = dirname(dirname(require.resolve("@itk-wasm/image-io")));
    mkdirSync(join(page, "itk"), { recursive: true });
    for (const name of itkPipelines.flatMap((one) => [`${one}.js`, `${one}.wasm.zst`]))
      copyFileSync(join(folder, "dist", "pipelines", name), join(page, "itk", name));
    copyFileSync(join(folder, "LICENSE"), join(page, "itk", "ITK-LICENSE.txt"));
  },
};

export default {
  root: here("../src/app"),
  base: "./",
  publicDir: false,
  logLevel: "warn",
  worker: { format: "es" },
  plugins: [withItk],
  build: {
    outDir: page,
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
};
