import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { parentPort, Worker } from "node:worker_threads";
import type { BackendRequest } from "@lazyimg/core";
import type { Port } from "@lazyimg/worker-link";
import { type PipelineWorker, type ReadJob, type ReadResult, readFiles } from "./pipeline.js";

const require = createRequire(import.meta.url);

/** The folder of the pipelines. */
export function pipelinesFor(_request: BackendRequest): string {
  return join(dirname(require.resolve("@itk-wasm/image-io")), "pipelines");
}

/** Runs a pipeline where it is called. */
export async function runReader({ base, pipeline, ...file }: ReadJob): Promise<ReadResult> {
  const { runPipelineNode } = await import("itk-wasm");
  return readFiles([file], (...job) => runPipelineNode(join(base, pipeline), ...job));
}

export function startWorker(): PipelineWorker {
  const worker = new Worker(new URL("./worker.js", import.meta.url), {
    // What ITK prints is not for this process's output, and options such as --input-type are for its own script.
    ...{ stdout: true, stderr: true, execArgv: [] },
  });
  return {
    port: {
      postMessage: (message, transfer) => worker.postMessage(message, transfer as ArrayBuffer[]),
      addEventListener: (_, listener) => worker.on("message", (data) => listener({ data } as MessageEvent)),
    },
    onEnd(listener) {
      worker.on("error", listener);
      worker.on("exit", (code) => listener(new Error(`it ended with ${code}`)));
    },
    hold: (isHeld) => (isHeld ? worker.ref() : worker.unref()),
    terminate: () => void worker.terminate(),
  };
}

/** In a Worker, the side of it that the one who started it listens to. */
export const ownPort = (): Port => parentPort as Port;
