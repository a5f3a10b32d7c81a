import { pathToFileURL } from "node:url";
import { LazyImageError } from "@lazyimg/core";

/**
 * Imports packages (or modules, by relative path) as a module in the current folder would; importing registers.
 *
 * @throws LazyImageError `ERR_PLUGIN` when there is none, or it fails to load
 */
export async function importPlugins(names: readonly string[]): Promise<void> {
  const { resolve } = await import("import-meta-resolve");
  const here = `${pathToFileURL(process.cwd())}/`;
  for (const name of names) {
    try {
      await import(resolve(name, here));
    } catch (cause) {
      throw new LazyImageError(
        "ERR_PLUGIN",
        `Cannot load the plugin ${name}: ${(cause as Error).message}. Install it in this folder (npm install ${name}).`,
        { cause },
      );
    }
  }
}
