import { openSource } from "@lazyimg/byte-source";
import { widenFloat16 } from "@lazyimg/codecs";
import {
  type BackendDescriptor,
  type BackendDriver,
  type BackendRequest,
  type ByteSource,
  defineBackend,
  describeRequest,
  IDENTITY,
  type ImageDataBackend,
  LazyImageError,
  Tensor,
} from "@lazyimg/core";
import { checkLayout, rawArray } from "@lazyimg/raw-array";
import { headerBytes, parseNpyHeader } from "./header.js";
import { matchesNpy } from "./match.js";

/** What is read at first: numpy's headers take 128 bytes. */
const HEAD = 4096;

interface Options {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens an array that numpy saved (`.npy`): reads the header, no voxels.
 *
 * (I, J, K) is one channel, (C, I, J, K) are C, in C or Fortran order. There is no affine in such a file: it is the
 * identity, unless the request brings one. bool is uint8, and float16 is read as float32.
 *
 * @throws LazyImageError `ERR_HEADER`, `ERR_UNSUPPORTED`, `ERR_UNSUPPORTED_DTYPE`, `ERR_TRUNCATED` when the file is
 * smaller than its header states, and what the source throws
 */
export async function openNpy(request: BackendRequest, { signal }: Options = {}): Promise<ImageDataBackend> {
  const source = openSource(request);
  const close = async (): Promise<void> => source.close?.();
  try {
    const what = describeRequest(request);
    const first = await source.read(0, HEAD, { signal });
    const head = await readHeader(source, first, what, { signal });
    const { header, dtype, layout } = parseNpyHeader(head, what);
    checkLayout(layout, await source.size({ signal }), what);
    const raw = rawArray(source, layout);
    return defineBackend({
      ...(dtype === layout.dtype ? raw : widened(raw)),
      shape: layout.shape,
      affine: IDENTITY,
      affineSource: "base",
      dtype,
      header,
      close,
    });
  } catch (error) {
    await close();
    throw error;
  }
}

/** All of the header, of which `first` is the beginning or more. */
async function readHeader(
  source: ByteSource,
  first: Uint8Array,
  what: string,
  options: Options,
): Promise<Uint8Array> {
  const length = headerBytes(first, what);
  const head = length <= first.length ? first.subarray(0, length) : await source.read(0, length, options);
  if (head.length === length) return head;
  throw new LazyImageError(
    "ERR_TRUNCATED",
    `${what} states a header of ${length} bytes, but has ${head.length}; it was cut short.`,
  );
}

type Reader = Pick<BackendDriver, "readRegion" | "plan" | "strided">;

/** A reader of float16 from one of uint16. */
function widened({ strided, readRegion, plan }: ReturnType<typeof rawArray>): Reader {
  return {
    strided,
    async readRegion(range, context) {
      const tensor = await readRegion(range, { ...context, target: undefined });
      const { buffer, byteOffset, length } = tensor.data;
      const data = widenFloat16(new Uint16Array(buffer, byteOffset, length));
      return new Tensor({ ...tensor, data, dtype: "float32" });
    },
    plan(range) {
      const { bytes, requests, outputBytes, peakBytes } = plan!(range);
      return { bytes, requests, outputBytes: 2 * outputBytes, peakBytes: peakBytes + 2 * outputBytes };
    },
  };
}

/** The descriptor that importing `@lazyimg/backend-npy` registers. */
export const npy: BackendDescriptor = { name: "npy", matches: matchesNpy, open: openNpy };
