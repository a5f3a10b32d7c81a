import { pathToFileURL } from "node:url";
import { listTransports } from "@lazyimg/byte-source";
import { LazyImageError, listBackends, registerBackend, unregisterBackend } from "@lazyimg/core";

/** Packages that the command has imported before. */
const BUILT_IN = /^(lazyimg|@lazyimg\/(backend-(nifti|tensor|zarr)|reader-lazy))$/;

/** What was imported before registers nothing the second time. */
const imported = new Set<string>();

/** Whether `work` registers a backend, be it one whose name is there already, or a transport. */
async function registers(work: () => Promise<unknown>): Promise<boolean> {
  const never = () => false;
  const [first, last] = ["before every plugin", "after every plugin"];
  // Whoever registers goes before the one or behind the other.
  registerBackend(first, never, () => null);
  registerBackend(last, never, () => null, { prepend: false });
  try {
    const schemes = listTransports().length;
    await work();
    const names = listBackends();
    return names[0] !== first || names.at(-1) !== last || listTransports().length > schemes;
  } finally {
    unregisterBackend(first);
    unregisterBackend(last);
  }
}

/**
 * Imports packages (or modules, by relative path) as a module in the current folder would; importing registers.
 *
 * @throws LazyImageError `ERR_PLUGIN` when there is none, or it fails to load, or registers nothing
 */
export async function importPlugins(names: readonly string[]): Promise<void> {
  const { resolve } = await import("import-meta-resolve");
  const here = `${pathToFileURL(process.cwd())}/`;
  for (const name of new Set(names)) {
    if (imported.has(name)) continue;
    const load = async (): Promise<unknown> => import(resolve(name, here));
    const registered = await registers(load).catch((cause: unknown) => {
      throw notLoaded(name, cause);
    });
    if (registered || BUILT_IN.test(name)) {
      imported.add(name);
      continue;
    }
    throw new LazyImageError(
      "ERR_PLUGIN",
      `The plugin ${name} registers no backend and no transport when it is imported. If it does elsewhere, it is made for another version of @lazyimg/core.`,
    );
  }
}

function notLoaded(name: string, cause: unknown): LazyImageError {
  const message = cause instanceof Error ? cause.message : String(cause);
  // The plugin itself, or a package that it needs, such as core.
  const [, missing] = /^Cannot find package '([^']+)'/.exec(message) ?? [];
  const advice = missing === undefined ? "" : ` Install it in this folder: npm install ${missing}.`;
  return new LazyImageError("ERR_PLUGIN", `Cannot load the plugin ${name}: ${message}.${advice}`, { cause });
}
