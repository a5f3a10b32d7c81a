import { describeRequest, LazyImageError } from "@lazyimg/core";
import { type RunReader, readingJob } from "./pipeline.js";

/**
 * The last file of each pipeline. itk-wasm keeps a pipeline's memory for the next run, its files too, and what libminc has
 * opened stays open: under the same path it would read the file before. So each has a path of its own, and is emptied by
 * the next.
 */
const lastPaths = new Map<string, string>();
let count = 0;

/** Runs a pipeline that is fetched from `readerOptions.pipelinesBaseUrl`: nothing is loaded from anywhere unasked. */
export const runReader: RunReader = async (request, pipeline, { path, data }) => {
  const { pipelinesBaseUrl } = request.readerOptions;
  if (typeof pipelinesBaseUrl !== "string" && !(pipelinesBaseUrl instanceof URL)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `${describeRequest(request)} is read by ITK's WebAssembly, which a browser has to fetch: serve node_modules/@itk-wasm/image-io/dist/pipelines, and give its URL as readerOptions.pipelinesBaseUrl.`,
    );
  }
  const { runPipeline } = await import("itk-wasm");
  // Absolute, because the pipeline is imported from where itk-wasm lies.
  const pipelineBaseUrl = new URL(pipelinesBaseUrl, globalThis.location?.href).href.replace(/\/$/, "");
  const last = lastPaths.get(pipeline);
  const own = `${++count}-${path}`;
  lastPaths.set(pipeline, own);
  const emptied = last === undefined ? [] : [{ path: last, data: new Uint8Array() }];
  const { args, outputs, inputs } = await readingJob(...emptied, { path: own, data });
  try {
    return await runPipeline(pipeline, args, outputs, inputs, { pipelineBaseUrl, webWorker: false });
  } catch (cause) {
    if ((cause as { isAxiosError?: unknown } | null)?.isAxiosError !== true) throw cause;
    throw new LazyImageError(
      "ERR_HTTP",
      `ITK's ${pipeline} cannot be fetched from ${pipelineBaseUrl}: ${(cause as Error).message}. Serve @itk-wasm/image-io's dist/pipelines there.`,
      { cause },
    );
  }
};
