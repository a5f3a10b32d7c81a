import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  createRequest,
  type ImageDataBackend,
  type ImageSource,
  LazyImageError,
  type RequestJSON,
} from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { follow, type Work } from "./follow.js";
import { shareable } from "./locations.js";
import { mapInThreads, type Values } from "./map-threads.js";
import { openQueue } from "./queue.js";
import {
  boxOf,
  type Division,
  divisionOf,
  type RegionFunction,
  readRegion,
  regionCount,
  type Triple,
} from "./regions.js";
import { runLog } from "./run-log.js";

/** How `mapRegions` divides an image. */
export interface MapOptions {
  /** Voxels of a region along I, J, K, or one number for all. */
  readonly size: number | Triple;
  /** Voxels around a region that its function gets too, as far as the image goes; 0 by default. */
  readonly halo?: number | Triple | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A module whose default export is a `RegionFunction`, run in threads of this process or by the workers of a queue. */
export interface RegionModule {
  /** Path or `file:` URL. Workers find it at the same path, and are started with `--module` for it. */
  readonly module: string | URL;
  /** Given to the function: plain data, and no secrets where there is a queue. */
  readonly options?: unknown;
  /** The workers of this queue (`redis://`, `rediss://`) do it. */
  readonly queue?: string | undefined;
  /** Threads of this process; by default as many as there are processors. The module imports the backends it needs. */
  readonly threads?: number | undefined;
}

/** What the function gave for a region. */
export interface RegionValue<T> {
  readonly start: Triple;
  readonly stop: Triple;
  readonly value: T;
}

/**
 * Calls a function for every region of an image, and gives what it returns as it comes, in no particular order.
 *
 * The function is one of this process, called for one region after the other; or a module's, in threads or by the
 * workers of a queue. On a queue a region that fails is tried three times; values travel as JSON, and so should be small.
 *
 * @param source whatever `openImage` opens; for threads what is plain data, for a queue a path or URL
 * @throws LazyImageError `ERR_INVALID_ARGUMENT`, `ERR_PIECES` for a region that failed on a queue, `ERR_QUEUE`, and what
 * opening, reading and the function throw
 */
export async function* mapRegions<T = unknown>(
  source: ImageSource,
  { size, halo, signal }: MapOptions,
  worker: RegionFunction<T> | RegionModule,
): AsyncGenerator<RegionValue<T>, void, undefined> {
  const division = divisionOf(size, halo);
  const request = createRequest(source);
  const opened = await openImage(request, { signal });
  try {
    const image = opened.dataobj;
    const values =
      typeof worker === "function"
        ? mapHere(image, division, worker, signal)
        : worker.queue === undefined
          ? mapInThreads(
              { module: pathOf(worker), options: worker.options, request: request.toJSON(), division },
              {
                count: regionCount(image, division),
                threads: worker.threads ?? availableParallelism(),
                signal,
              },
            )
          : mapOnQueue(image, request.toJSON(), division, { ...worker, queue: worker.queue }, signal);
    for await (const [n, value] of values) yield { ...boxOf(image, division, n), value: value as T };
  } finally {
    await opened.close();
  }
}

const pathOf = ({ module }: RegionModule): string => {
  const text = String(module);
  return /^file:/i.test(text) ? fileURLToPath(text) : resolve(text);
};

async function* mapHere(
  image: ImageDataBackend,
  division: Division,
  work: RegionFunction<unknown>,
  signal: AbortSignal | undefined,
): Values {
  for (let n = 0; n < regionCount(image, division); n++) {
    signal?.throwIfAborted();
    yield [n, await work(await readRegion(image, division, n, signal), undefined, { signal })];
  }
}

async function* mapOnQueue(
  image: ImageDataBackend,
  { path, remoteZarrUri, ...rest }: RequestJSON,
  { size, halo }: Division,
  { queue: url, options = null, ...worker }: RegionModule & { readonly queue: string },
  signal: AbortSignal | undefined,
): Values {
  const location = path ?? remoteZarrUri;
  const others = Object.values(rest).filter((value) => Object.keys(Object(value)).length > 0);
  if (location === undefined || others.length > 0) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      "On a queue an image is a path or a URL, without options: workers open it with their own",
    );
  }
  const [source, module] = [shareable(location), pathOf(worker)];
  const run = randomUUID().replaceAll("-", "");
  const count = regionCount(image, { size, halo });
  function* works(): Generator<Work> {
    for (let region = 0; region < count; region++) {
      const [s, h] = [[...size] as [number, number, number], [...halo] as [number, number, number]];
      yield {
        id: `${run}-${region}`,
        payload: { kind: "map", run, source, module, options, size: s, halo: h, region },
      };
    }
  }
  const queue = await openQueue(url);
  const log = runLog(queue.connection, run);
  try {
    for await (const { job, value, error } of follow(queue, log, works(), signal)) {
      const region = Number(job.slice(run.length + 1));
      if (error === undefined) yield [region, value];
      else
        throw new LazyImageError("ERR_PIECES", `Region ${region} failed: ${error.message} [${error.code}]`);
    }
  } finally {
    await log.remove().catch(() => {});
    await queue.close();
  }
}
