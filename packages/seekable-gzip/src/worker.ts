import type { ByteSource } from "@lazyimg/core";
import { LazyImageError } from "@lazyimg/core";
import { abortable } from "@lazyimg/core/abort";
import { Link, type Services } from "@lazyimg/worker-link";
import { checkpointsOf, costOf } from "./checkpoints.js";
import type { GzipIndex } from "./gzip-index.js";
import { type GzipSourceOptions, gzipSource } from "./gzip-source.js";
import { linkedSource, servicesOf } from "./linked-source.js";
import type { WorkerJob } from "./pass-worker.js";
import { readSidecar } from "./sidecar.js";

/** The Worker of all sources, with their links; ended with the last of them. */
interface Shared {
  readonly started: Promise<Worker>;
  readonly links: Set<Link>;
  users: number;
}
let shared: Shared | null = null;

function begin(): Shared {
  const links = new Set<Link>();
  const started = new Promise<Worker>((resolve, reject) => {
    // In this form, bundlers make the Worker a bundle of its own.
    const worker = new Worker(new URL("./pass-worker.js", import.meta.url), { type: "module" });
    worker.onmessage = () => resolve(worker);
    worker.onerror = (event) => {
      event.preventDefault();
      worker.terminate();
      const reason = new Error(
        `The Worker for gzip does not run: ${event.message ?? "it could not be loaded"}`,
      );
      reject(reason);
      for (const link of links) link.close(reason);
    };
  });
  return { started, links, users: 0 };
}

/**
 * As `gzipSource`, but in a Worker, so that a page stays smooth: all inflating happens there, while `inner`, the sidecar
 * and the cache stay here. Where there are no Workers (Node) or none can start (a Content-Security-Policy without
 * `worker-src`, a server that does not have the script), it is `gzipSource`.
 *
 * `cost` knows no more than a new source until the index is complete. Close the source: that ends the Worker, with the
 * last of them.
 */
export function workerGzipSource(inner: ByteSource, options: GzipSourceOptions = {}): ByteSource {
  // Answers what needs no reading, and everything where there is no Worker.
  const local = gzipSource(inner, options);
  let opening: Promise<Remote | null> | null = null;
  let remote: Remote | null = null;
  let closed = false;

  async function source(signal?: AbortSignal): Promise<Pick<ByteSource, "size" | "read" | "stream">> {
    signal?.throwIfAborted();
    if (closed) throw closedError(inner);
    opening ??= open(inner, options);
    remote = await abortable(opening, signal);
    return remote?.source ?? local;
  }

  return {
    name: local.name,
    gap: local.gap,
    size: async (sizeOptions) => (await source(sizeOptions?.signal)).size(sizeOptions),
    async read(offset, length, readOptions) {
      const bytes = await (await source(readOptions?.signal)).read(offset, length, readOptions);
      await remote?.update();
      return bytes;
    },
    async *stream(offset, length, streamOptions) {
      yield* (await source(streamOptions?.signal)).stream(offset, length, streamOptions);
      await remote?.update();
    },
    ...(local.version && { version: local.version }),
    ...(local.modified && { modified: local.modified }),
    cost: (offset, length) => remote?.cost(offset, length) ?? local.cost!(offset, length),
    async close() {
      if (closed) return;
      closed = true;
      await (await opening)?.close(closedError(inner));
      await local.close!();
    },
  };
}

/** What the Worker has of a source. */
interface Remote {
  readonly source: Pick<ByteSource, "size" | "read" | "stream">;
  /** Takes over what the Worker knows of checkpoints, once that is everything. */
  update(): Promise<void>;
  cost(offset: number, length: number): ReturnType<NonNullable<ByteSource["cost"]>> | null;
  close(reason: unknown): Promise<void>;
}

async function open(inner: ByteSource, options: GzipSourceOptions): Promise<Remote | null> {
  if (typeof Worker === "undefined") return null;
  let mine: Shared;
  let worker: Worker;
  try {
    shared ??= begin();
    mine = shared;
    mine.users++;
    worker = await mine.started;
  } catch {
    shared = null;
    return null;
  }
  const { sidecar, cache, onWarning = (message) => console.warn(message) } = options;
  const { port1, port2 } = new MessageChannel();
  const services: Services = {
    ...servicesOf(inner),
    // Copies: what is answered moves to the Worker.
    sidecar: async (_, { signal }) => (sidecar && (await readSidecar(sidecar, signal)))?.slice() ?? null,
    cached: async ([key]) => (await cache?.get(key as string))?.slice() ?? null,
    cache: async ([key, bytes]) => cache?.set(key as string, bytes as Uint8Array),
    warn: async ([message]) => onWarning(message as string),
  };
  const link = new Link(port1, services);
  mine.links.add(link);
  const { name, gap } = inner;
  const { spacing, head, cacheKey } = options;
  const job: WorkerJob = {
    ...{ port: port2, name, gap, spacing, head, cacheKey },
    ...{ sidecar: sidecar !== undefined, cache: cache !== undefined },
  };
  worker.postMessage(job, [port2]);
  let index: GzipIndex | null = null;
  return {
    source: linkedSource(link),
    async update() {
      index ??= (await link.call("index", [])) as GzipIndex | null;
    },
    cost: (offset, length) => index && costOf(checkpointsOf(index), offset, offset + length),
    async close(reason) {
      await link.call("close", []).catch(() => undefined);
      link.close(reason);
      mine.links.delete(link);
      if (--mine.users > 0) return;
      if (shared === mine) shared = null;
      worker.terminate();
    },
  };
}

function closedError({ name }: ByteSource): LazyImageError {
  return new LazyImageError("ERR_CLOSED", `${name ?? "This gzip source"} was closed before. Open it again.`);
}
