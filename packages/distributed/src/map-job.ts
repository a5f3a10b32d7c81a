import { realpath } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { LazyImageError } from "@lazyimg/core";
import type { Bench } from "./bench.js";
import type { MapPayload } from "./payload.js";
import { type RegionFunction, readRegion } from "./regions.js";
import { shown } from "./shown.js";

/** Most characters of a value in JSON: it goes through Redis. */
const VALUE_LENGTH = 1 << 20;

/**
 * The function that a module exports as default.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` where it exports none, or cannot be loaded
 */
export async function functionOf(module: string): Promise<RegionFunction<unknown>> {
  const loaded = await import(pathToFileURL(module).href).catch((cause: unknown) => {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new LazyImageError("ERR_INVALID_ARGUMENT", `Cannot load the module ${module}: ${message}`, {
      cause,
    });
  });
  const { default: work } = loaded as { default?: unknown };
  if (typeof work === "function") return work as RegionFunction<unknown>;
  throw new LazyImageError("ERR_INVALID_ARGUMENT", `${module} exports no function as default`);
}

/** Modules that a worker may load, without symbolic links. */
export async function modulesOf(paths: readonly string[]): Promise<ReadonlySet<string>> {
  const real = paths.map((path) =>
    realpath(path).catch((cause: unknown) => {
      throw new LazyImageError("ERR_NOT_FOUND", `There is no module ${path}; check the path`, { cause });
    }),
  );
  return new Set(await Promise.all(real));
}

/**
 * Calls somebody's function for a region.
 *
 * @throws LazyImageError `ERR_NOT_ALLOWED` for a module that this worker was not started with, `ERR_LIMIT` for a value too
 * large for a queue, and what reading and the function throw
 */
export async function doMap(
  { allowance, modules, images, open }: Bench,
  { run, source, module, options, size, halo, region: n }: MapPayload,
  signal: AbortSignal,
): Promise<unknown> {
  await allowance.check(source);
  const path = await realpath(module).catch(() => undefined);
  if (path === undefined || !modules.has(path)) {
    throw new LazyImageError(
      "ERR_NOT_ALLOWED",
      `This worker does not run ${shown(module)}; start it with --module for what it is to run`,
    );
  }
  const work = await functionOf(path);
  const { image } = await images.get(`${run} ${source}`, () => open(source, { signal }));
  const value = (await work(await readRegion(image, { size, halo }, n, signal), options, { signal })) ?? null;
  const { length } = JSON.stringify(value) ?? "";
  if (length <= VALUE_LENGTH) return value;
  throw new LazyImageError(
    "ERR_LIMIT",
    `The value of a region has ${length} characters, more than the ${VALUE_LENGTH} that go through a queue; write it to a file, and return its name`,
  );
}
