import { type BackendRequest, describeRequest, LazyImageError } from "@lazyimg/core";
import type { Port } from "@lazyimg/worker-link";
import { type PipelineWorker, type ReadJob, type ReadResult, readFiles } from "./pipeline.js";

/**
 * The last file of each pipeline. itk-wasm keeps a pipeline's memory for the next run, its files too, and what libminc has
 * opened stays open: under the same path it would read the file before. So each has a path of its own, and is emptied by
 * the next.
 */
const lastPaths = new Map<string, string>();
let count = 0;

/** The URL of the pipelines, `readerOptions.pipelinesBaseUrl`: nothing is loaded from anywhere unasked. */
export function pipelinesFor(request: BackendRequest): string {
  const { pipelinesBaseUrl } = request.readerOptions;
  if (typeof pipelinesBaseUrl !== "string" && !(pipelinesBaseUrl instanceof URL)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `${describeRequest(request)} is read by ITK's WebAssembly, which a browser has to fetch: serve node_modules/@itk-wasm/image-io/dist/pipelines, and give its URL as readerOptions.pipelinesBaseUrl.`,
    );
  }
  // Absolute, because the pipeline is imported from where itk-wasm lies.
  return new URL(pipelinesBaseUrl, globalThis.location?.href).href.replace(/\/$/, "");
}

/** Runs a pipeline where it is called. */
export async function runReader({ base, pipeline, path, data }: ReadJob): Promise<ReadResult> {
  const { runPipeline } = await import("itk-wasm");
  const last = lastPaths.get(pipeline);
  const own = `${++count}-${path}`;
  lastPaths.set(pipeline, own);
  const emptied = last === undefined ? [] : [{ path: last, data: new Uint8Array() }];
  try {
    return await readFiles([...emptied, { path: own, data }], (...job) =>
      runPipeline(pipeline, ...job, { pipelineBaseUrl: base, webWorker: false }),
    );
  } catch (cause) {
    if ((cause as { isAxiosError?: unknown } | null)?.isAxiosError !== true) throw cause;
    throw new LazyImageError(
      "ERR_HTTP",
      `ITK's ${pipeline} cannot be fetched from ${base}: ${(cause as Error).message}. Serve @itk-wasm/image-io's dist/pipelines there.`,
      { cause },
    );
  }
}

export function startWorker(): PipelineWorker {
  // In this form, bundlers make the Worker a bundle of its own.
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  return {
    port: worker,
    onEnd: (listener) =>
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        listener(new Error(event.message ?? "it could not be loaded"));
      }),
    hold() {},
    terminate: () => worker.terminate(),
  };
}

// A Worker's, not a page's.
declare const self: Port;

/** In a Worker, the side of it that the one who started it listens to. */
export const ownPort = (): Port => self;
