import { pathToFileURL } from "node:url";
import { LazyImageError } from "@lazyimg/core";

type Distributed = typeof import("@lazyimg/distributed");

/** Where a package is looked for that is not beside this one. */
async function fromFolder(name: string): Promise<unknown> {
  const { resolve } = await import("import-meta-resolve");
  return import(resolve(name, `${pathToFileURL(process.cwd())}/`));
}

/** Whether it is the package itself that is not there, and not something that it needs. */
const isMissing = (error: unknown): boolean =>
  /Cannot find package '@lazyimg\/distributed'/.test(String(error));

/**
 * The package that work is shared by, which is installed by those who share it.
 *
 * @throws LazyImageError `ERR_PLUGIN` where it is not installed
 */
export async function distributed(): Promise<Distributed> {
  // A package manager may keep it from those that do not depend on it.
  const ways = [() => import("@lazyimg/distributed"), () => fromFolder("@lazyimg/distributed")];
  for (const way of ways) {
    try {
      return (await way()) as Distributed;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  throw new LazyImageError(
    "ERR_PLUGIN",
    "Queues and workers are in a package of their own. Install it: npm install @lazyimg/distributed",
  );
}
