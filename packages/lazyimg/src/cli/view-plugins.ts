import { isBuiltin } from "node:module";
import { LazyImageError } from "@lazyimg/core";
import type { Message } from "esbuild";

/**
 * Makes of each plugin a script for the viewer's Worker, with everything that it imports: browsers know no packages. Its copy of
 * core shares the page's registry.
 *
 * @param names packages, or modules by relative path, as the current folder sees them
 * @throws LazyImageError `ERR_PLUGIN` when there is none, or it cannot run in a browser
 */
export async function bundlePlugins(names: readonly string[]): Promise<Uint8Array[]> {
  if (names.length === 0) return [];
  const { build } = await import("esbuild");
  return Promise.all(
    [...new Set(names)].map(async (name) => {
      const { outputFiles } = await build({
        // An entry point is kept whole, whatever its package.json says of side effects.
        entryPoints: [name],
        ...{ bundle: true, format: "esm", platform: "browser", target: "es2022", write: false },
        logLevel: "silent",
      }).catch((cause: { errors?: readonly Message[] }) => {
        throw unusable(name, cause.errors?.[0]?.text ?? String(cause), cause);
      });
      return outputFiles[0]!.contents;
    }),
  );
}

function unusable(name: string, text: string, cause: unknown): LazyImageError {
  const [, missing = ""] = /^Could not resolve "([^"]+)"/.exec(text) ?? [];
  const said = isBuiltin(missing)
    ? `it imports ${missing}, which is Node's own and in no browser. Ask its authors for a version that browsers can load`
    : `${text.replace(/\.$/, "")}${/^[^./]/.test(missing) ? `. Install it in this folder: npm install ${missing}` : ""}`;
  return new LazyImageError("ERR_PLUGIN", `The viewer's page cannot load the plugin ${name}: ${said}.`, {
    cause,
  });
}
