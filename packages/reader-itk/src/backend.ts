import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { openSource } from "@lazyimg/byte-source";
import {
  type BackendDescriptor,
  type BackendRequest,
  describeRequest,
  type ImageDataBackend,
  isLazyImageError,
  LazyImageError,
} from "@lazyimg/core";
import { runReader } from "#pipeline";
import { affineOf, type ItkGeometry } from "./geometry.js";
import { matchesItk, readerOf } from "./match.js";
import type { ReadingOutputs } from "./pipeline.js";
import { tensorOf } from "./tensor.js";

/** What ITK says of an image: its `header`. */
export interface ItkHeader extends ItkGeometry {
  /** "Scalar", "RGB", "Vector", ... */
  readonly pixelType: string;
  /** The format's own entries, such as DICOM's tags: `"0010|0010"`. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

interface Options {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a file with ITK, which reads all of it: `read` gives views of memory, and the file is closed again.
 *
 * In browsers, `readerOptions.pipelinesBaseUrl` is the URL of `@itk-wasm/image-io/dist/pipelines`.
 *
 * @throws LazyImageError `ERR_CORRUPT` when ITK cannot read it, `ERR_UNSUPPORTED` and `ERR_UNSUPPORTED_DTYPE` when it is
 * no image of (C, I, J, K), `ERR_INVALID_ARGUMENT` without `pipelinesBaseUrl`, and what the source throws
 */
export async function openItk(request: BackendRequest, { signal }: Options = {}): Promise<ImageDataBackend> {
  const what = describeRequest(request);
  const reader = readerOf(request);
  if (reader === undefined) {
    throw new LazyImageError("ERR_UNSUPPORTED", `${what} has no name by which ITK would know its format.`);
  }
  const { pipeline, path } = reader;
  const data = await readAll(request, { signal });
  const failed = (cause?: unknown) =>
    new LazyImageError(
      "ERR_CORRUPT",
      `${what} cannot be read by ITK's ${pipeline}; it is another format, or damaged.`,
      { cause },
    );
  const { returnValue, stderr, outputs } = await runReader(request, pipeline, { path, data }).catch(
    (cause: unknown) => {
      throw isLazyImageError(cause) ? cause : failed(cause);
    },
  );
  signal?.throwIfAborted();
  const [could, result] = outputs as unknown as ReadingOutputs;
  if (could?.data !== true) throw failed(new Error(stderr || `it returned ${returnValue}`));
  const { origin, spacing, size, direction, metadata, imageType } = result.data;
  const header: ItkHeader = {
    ...{ origin, spacing, size, direction: Array.from(direction, Number), pixelType: imageType.pixelType },
    metadata: Object.fromEntries(metadata),
  };
  const backend = tensorBackend(tensorOf(result.data, what), affineOf(header));
  return { ...backend, affineSource: "direction", header };
}

/** All bytes of the request's file. */
async function readAll(request: BackendRequest, options: Options): Promise<Uint8Array> {
  const source = openSource(request);
  try {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    // A piece is only lent.
    for await (const piece of source.stream(0, Number.POSITIVE_INFINITY, options)) pieces.push(piece.slice());
    return new Uint8Array(await new Blob(pieces).arrayBuffer());
  } finally {
    await source.close?.();
  }
}

/** The descriptor that importing `@lazyimg/reader-itk` registers. */
export const itk: BackendDescriptor = { name: "itk", matches: matchesItk, open: openItk };
