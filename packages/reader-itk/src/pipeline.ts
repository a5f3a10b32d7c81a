import type { BackendRequest } from "@lazyimg/core";
import type { Image, PipelineInput, PipelineOutput, runPipeline } from "itk-wasm";

/** What a reading pipeline is given. */
export interface PipelineJob {
  readonly args: string[];
  readonly outputs: PipelineOutput[];
  readonly inputs: PipelineInput[];
}

/** Runs a pipeline of `@itk-wasm/image-io`. */
export type RunReader = (
  request: BackendRequest,
  pipeline: string,
  job: PipelineJob,
) => ReturnType<typeof runPipeline>;

/** The job of reading one file: arguments, outputs and inputs as every reader of ITK's has them. */
export async function readingJob(path: string, data: Uint8Array): Promise<PipelineJob> {
  const { InterfaceTypes } = await import("itk-wasm");
  return {
    args: [path, "0", "1", "--memory-io"],
    outputs: [{ type: InterfaceTypes.JsonCompatible }, { type: InterfaceTypes.Image }],
    inputs: [{ type: InterfaceTypes.BinaryFile, data: { path, data } }],
  };
}

/** What such a job gives: whether the file could be read, and the image. */
export type ReadingOutputs = readonly [{ readonly data: boolean }, { readonly data: Image }];
