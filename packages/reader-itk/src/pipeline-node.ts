import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type RunReader, readingJob } from "./pipeline.js";

const require = createRequire(import.meta.url);

/** Runs a pipeline from the folder of `@itk-wasm/image-io`. */
export const runReader: RunReader = async (_request, pipeline, file) => {
  const { runPipelineNode } = await import("itk-wasm");
  const folder = join(dirname(require.resolve("@itk-wasm/image-io")), "pipelines");
  const { args, outputs, inputs } = await readingJob(file);
  return runPipelineNode(join(folder, pipeline), args, outputs, inputs);
};
