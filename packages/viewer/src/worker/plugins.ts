import { listTransports } from "@lazyimg/byte-source";
import { type BackendDescriptor, LazyImageError, listBackends, registerBackend } from "@lazyimg/core";
import { backendsFor } from "./formats.js";

/** Everything that importing a plugin may add to. */
const registered = (): string => [...listBackends(), listTransports().length].join(" ");

/**
 * The backends to be asked for an image of this name, or `undefined` where those are asked that are registered: there are
 * plugins. They go before the viewer's own, unless they register otherwise.
 *
 * @param plugins URLs of modules, which share the registry whatever copy of core they bring
 * @throws LazyImageError `ERR_PLUGIN` when one cannot be loaded, or registers nothing
 */
export async function backendsWith(
  plugins: readonly string[],
  name: string,
): Promise<readonly BackendDescriptor[] | undefined> {
  const own = await backendsFor(name);
  if (plugins.length === 0) return own;
  for (const { name: backend, matches, open } of own)
    registerBackend(backend, matches, open, { prepend: false });
  for (const url of plugins) {
    const before = registered();
    try {
      await import(/* @vite-ignore */ /* webpackIgnore: true */ url);
    } catch (cause) {
      const message = `Cannot load the plugin ${url}: ${cause instanceof Error ? cause.message : cause}`;
      throw new LazyImageError("ERR_PLUGIN", message, { cause });
    }
    if (registered() !== before) continue;
    throw new LazyImageError(
      "ERR_PLUGIN",
      `The plugin ${url} registers no backend when it is imported. If it does elsewhere, it is made for another version of @lazyimg/core.`,
    );
  }
  return undefined;
}
