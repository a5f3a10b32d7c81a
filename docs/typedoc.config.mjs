// The API reference, api/: Markdown from the packages' docstrings, one page for each entry point. TypeDoc needs the compiler
// API of TypeScript 6, which TypeScript 7 does not have; the packages themselves are built with the workspace's.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const packages = fileURLToPath(new URL("../packages/", import.meta.url));

/** Every public entry point, `@lazyimg/core`, `@lazyimg/backend-nifti/backend`, ...: its source, and what its package is. */
export const entryPoints = readdirSync(packages).flatMap((folder) => {
  const path = `${packages}${folder}/package.json`;
  // lazyimg exports what core and image do; the other is a command.
  if (["lazyimg", "create-lazyimg-backend"].includes(folder) || !existsSync(path)) return [];
  const { name, description, private: hidden, exports = {} } = JSON.parse(readFileSync(path, "utf8"));
  return Object.entries(exports)
    .map(([subpath, { default: file = "" }]) => ({
      name: name + subpath.slice(1),
      description,
      source: packages + folder + file.replace("./dist/", "/src/").replace(/\.js$/, ".ts"),
    }))
    .filter(({ source }) => hidden !== true && source.endsWith(".ts") && existsSync(source));
});

/** @type {import("typedoc").TypeDocOptions & import("typedoc-plugin-markdown").PluginOptions} */
const options = {
  plugin: ["typedoc-plugin-markdown", "./.vitepress/names.mjs"],
  entryPoints: entryPoints.map(({ source }) => source),
  tsconfig: "tsconfig.json",
  compilerOptions: {
    paths: Object.fromEntries(entryPoints.map(({ name, source }) => [name, [source]])),
  },
  // The compiler of the packages has checked them.
  skipErrorChecking: true,
  excludePrivate: true,
  excludeExternals: true,
  excludeInternal: true,
  disableGit: true,
  basePath: "..",
  gitRevision: "main",
  sourceLinkTemplate: "https://github.com/lazyimg/lazyimg/blob/{gitRevision}/packages/{path}#L{line}",
  sort: ["source-order"],
  validation: { notExported: false },
  name: "API",
  readme: "none",
  out: "api",
  // Markdown
  outputFileStrategy: "modules",
  entryFileName: "index",
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  useHTMLAnchors: true,
  expandParameters: true,
  indexFormat: "table",
  parametersFormat: "table",
  propertiesFormat: "table",
  typeDeclarationFormat: "table",
  tableColumnSettings: {
    hideSources: true,
    hideModifiers: true,
    hideDefaults: true,
    hideOverrides: true,
    hideInherited: true,
  },
};

export default options;
