// Builds the page, dist/page/: files that any server can serve from any folder.
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

export default {
  root: here("../src/app"),
  base: "./",
  publicDir: false,
  logLevel: "warn",
  worker: { format: "es" },
  build: {
    outDir: here("../dist/page"),
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
};
