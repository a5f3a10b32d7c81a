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
import { pipelinesFor } from "#platform";
import { affineOf, type ItkGeometry } from "./geometry.js";
import { readGuarded } from "./guarded.js";
import { matchesItk, readerOf } from "./match.js";
import { tensorOf } from "./tensor.js";
import type { Limits } from "./worker-reader.js";

/** What ITK says of an image: its `header`. */
export interface ItkHeader extends ItkGeometry {
  /** "Scalar", "RGB", "Vector", ... */
  readonly pixelType: string;
  /** The format's own entries, such as DICOM's tags: `"0010|0010"`. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Seconds and bytes of memory that any file may take, and for each of its bytes: about ten times what large ones take. */
const SECONDS = 15;
const SECONDS_PER_BYTE = 2 / 2 ** 20;
const MEMORY = 512 * 2 ** 20;
const MEMORY_PER_BYTE = 256;

interface Options {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a file with ITK, which reads all of it: `read` gives views of memory, and the file is closed again.
 *
 * In browsers, `readerOptions.pipelinesBaseUrl` is the URL of `@itk-wasm/image-io/dist/pipelines`. ITK runs in a Worker, which
 * an abort ends, and so do `readerOptions.timeLimit` (seconds; by default 15, and 2 for each MiB of the file) and
 * `memoryLimit` (bytes; by default 512 MiB, and 256 for each byte of the file).
 *
 * @throws LazyImageError `ERR_CORRUPT` when ITK cannot read it, `ERR_UNSUPPORTED` and `ERR_UNSUPPORTED_DTYPE` when it is
 * no image of (C, I, J, K), `ERR_LIMIT` when it takes more than it may, `ERR_INVALID_ARGUMENT` without
 * `pipelinesBaseUrl`, and what the source throws
 */
export async function openItk(request: BackendRequest, { signal }: Options = {}): Promise<ImageDataBackend> {
  const what = describeRequest(request);
  const reader = readerOf(request);
  if (reader === undefined) {
    throw new LazyImageError("ERR_UNSUPPORTED", `${what} has no name by which ITK would know its format.`);
  }
  const { pipeline } = reader;
  const failed = (cause: unknown) =>
    new LazyImageError(
      "ERR_CORRUPT",
      `${what} cannot be read by ITK's ${pipeline}; it is another format, or damaged.`,
      { cause },
    );
  const base = pipelinesFor(request);
  const data = await readAll(request, { signal });
  const bytes = data.length;
  const limits = limitsOf(request, bytes);
  const result = await readGuarded({ ...reader, base, data }, limits, signal).catch((cause: unknown) => {
    signal?.throwIfAborted();
    if (isLazyImageError(cause, "ERR_LIMIT")) throw tooMuch(`${what}: ${cause.message}`, bytes, cause);
    throw isLazyImageError(cause) && cause.code !== "ERR_CORRUPT" ? cause : failed(cause);
  });
  signal?.throwIfAborted();
  if ("said" in result) throw failed(new Error(result.said));
  const { origin, spacing, size, direction, metadata, imageType } = result;
  const header: ItkHeader = {
    ...{ origin, spacing, size, direction: Array.from(direction, Number), pixelType: imageType.pixelType },
    metadata: Object.fromEntries(metadata),
  };
  const backend = tensorBackend(tensorOf(result, what), affineOf(header));
  return { ...backend, affineSource: "direction", header };
}

/** What ITK may take to read a file of so many bytes, unless `readerOptions` have `timeLimit` or `memoryLimit`. */
function limitsOf({ readerOptions }: BackendRequest, bytes: number): Limits {
  const limit = (name: string, otherwise: number): number => {
    const given = readerOptions[name] ?? otherwise;
    if (typeof given === "number" && given > 0) return given;
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `readerOptions.${name} is a positive number, not ${given}.`,
    );
  };
  return {
    seconds: limit("timeLimit", SECONDS + SECONDS_PER_BYTE * bytes),
    memory: limit("memoryLimit", MEMORY + MEMORY_PER_BYTE * bytes),
  };
}

const tooMuch = (what: string, bytes: number, cause: unknown): LazyImageError =>
  new LazyImageError(
    "ERR_LIMIT",
    `${what}, which is much for a file of ${bytes} bytes: it may be damaged. If it is sound, allow more with readerOptions.timeLimit (seconds) or readerOptions.memoryLimit (bytes).`,
    { cause },
  );

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

export { itkPipelines } from "./match.js";

/** The descriptor that importing `@lazyimg/reader-itk` registers. */
export const itk: BackendDescriptor = { name: "itk", matches: matchesItk, open: openItk };
