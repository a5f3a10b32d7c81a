import type { Port } from "@lazyimg/worker-link";
import type { BinaryFile, Image, PipelineInput, PipelineOutput, runPipeline } from "itk-wasm";

/** A file that a pipeline of `@itk-wasm/image-io` is to read. */
export interface ReadJob {
  readonly pipeline: string;
  /** The folder, or in browsers the absolute URL, where the pipelines are. */
  readonly base: string;
  /** A path for ITK, some of whose readers ask for the extension. */
  readonly path: string;
  readonly data: Uint8Array;
}

/** The image, or what ITK said of a file that it could not read. */
export type ReadResult = Image | { readonly said: string };

/** A Worker in which a pipeline runs. */
export interface PipelineWorker {
  readonly port: Port;
  /** Tells once when it could not start, or ended by itself. */
  onEnd(listener: (reason: unknown) => void): void;
  /** Whether the process, in Node, waits for it. */
  hold(isHeld: boolean): void;
  terminate(): void;
}

const isImage = (data: PipelineOutput["data"]): data is Image =>
  typeof data === "object" && data !== null && "imageType" in data;

/**
 * What `run` makes of the last of some files: arguments, inputs and outputs as every reader of ITK's has them. The others are
 * written before it.
 */
export async function readFiles(
  files: readonly [...BinaryFile[], BinaryFile],
  run: (args: string[], outputs: PipelineOutput[], inputs: PipelineInput[]) => ReturnType<typeof runPipeline>,
): Promise<ReadResult> {
  const { InterfaceTypes } = await import("itk-wasm");
  const { returnValue, stderr, outputs } = await run(
    [files.at(-1)!.path, "0", "1", "--memory-io"],
    [{ type: InterfaceTypes.JsonCompatible }, { type: InterfaceTypes.Image }],
    files.map((data) => ({ type: InterfaceTypes.BinaryFile, data })),
  );
  const [could, read] = outputs;
  if (could?.data === true && isImage(read?.data)) return read.data;
  return { said: stderr || `it returned ${returnValue}` };
}
