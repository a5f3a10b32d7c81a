import type { BackendRequest } from "@lazyimg/core";
import type { BinaryFile, Image, PipelineInput, PipelineOutput, runPipeline } from "itk-wasm";

/** What a reading pipeline is given. */
export interface PipelineJob {
  readonly args: string[];
  readonly outputs: PipelineOutput[];
  readonly inputs: PipelineInput[];
}

/** Runs a pipeline of `@itk-wasm/image-io` on a file. */
export type RunReader = (
  request: BackendRequest,
  pipeline: string,
  file: BinaryFile,
) => ReturnType<typeof runPipeline>;

/**
 * The job of reading the last of some files: arguments, outputs and inputs as every reader of ITK's has them. The others
 * are written before it.
 */
export async function readingJob(...files: readonly [...BinaryFile[], BinaryFile]): Promise<PipelineJob> {
  const { InterfaceTypes } = await import("itk-wasm");
  return {
    args: [files.at(-1)!.path, "0", "1", "--memory-io"],
    outputs: [{ type: InterfaceTypes.JsonCompatible }, { type: InterfaceTypes.Image }],
    inputs: files.map((data) => ({ type: InterfaceTypes.BinaryFile, data })),
  };
}

/** What such a job gives: whether the file could be read, and the image. */
export type ReadingOutputs = readonly [{ readonly data: boolean }, { readonly data: Image }];
