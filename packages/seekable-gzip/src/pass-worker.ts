import type { ByteSource } from "@lazyimg/core";
import { Link, type Services } from "@lazyimg/worker-link";
import { type GzipSourceOptions, gzipSource } from "./gzip-source.js";
import { linkedSource, servicesOf } from "./linked-source.js";

/** What a page tells the Worker about a source: all of it is plain data. */
export interface WorkerJob {
  readonly port: MessagePort;
  readonly name: string | undefined;
  readonly gap: number;
  readonly spacing: number | undefined;
  readonly head: Uint8Array | undefined;
  readonly cacheKey: string | undefined;
  /** Whether the page has a sidecar, and a cache. */
  readonly sidecar: boolean;
  readonly cache: boolean;
}

function serve({ port, name, gap, sidecar, cache, ...options }: WorkerJob): void {
  const services: Record<string, Services[string]> = {};
  const link = new Link(port, services);
  const inner: ByteSource = { ...linkedSource(link), name, gap };
  const gzip = gzipSource(inner, {
    ...options,
    sidecar: sidecar
      ? async (signal) => (await link.call("sidecar", [], { signal })) as Uint8Array | null
      : undefined,
    cache: cache
      ? {
          get: async (key) => (await link.call("cached", [key])) as Uint8Array | null,
          set: async (key, bytes) => void (await link.call("cache", [key, bytes])),
        }
      : undefined,
    onWarning: (message) => void link.call("warn", [message]).catch(() => undefined),
  } satisfies GzipSourceOptions);
  Object.assign(services, servicesOf(gzip), {
    async index() {
      const index = gzip.index();
      // Enough to tell what a read costs.
      return (
        index && {
          ...index,
          points: index.points.map((point) => ({ ...point, window: null })),
          checksums: undefined,
        }
      );
    },
    close: async () => gzip.close!(),
  } satisfies Services);
}

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<WorkerJob>) => void;
  postMessage(message: unknown): void;
};
scope.onmessage = ({ data }) => serve(data);
scope.postMessage("ready");
