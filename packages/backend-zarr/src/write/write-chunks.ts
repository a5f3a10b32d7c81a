import { bytesOf, DTYPES, type Shape4D, Tensor } from "@lazyimg/core";
import type { ArraySpec } from "../meta/array-spec.js";
import { swapBytes } from "../read/task.js";
import { type ChunkEncoder, shardOf } from "./encode.js";
import type { ArrayLayout } from "./layout.js";
import type { Sink } from "./sink.js";

/** Objects that are encoded and written at a time. */
const CONCURRENCY = 8;

/** The voxels of one piece, and where they go. */
export interface ChunkWriting {
  readonly spec: ArraySpec;
  readonly layout: ArrayLayout;
  /** Coordinates of the frame along the axes before z, y, x. */
  readonly leading: readonly number[];
  /** First voxel along I, J, K: a chunk begins there. */
  readonly start: readonly [number, number, number];
  /** (samples, I, J, K) */
  readonly slab: Tensor;
  readonly encode: ChunkEncoder;
  readonly sink: Sink;
  readonly signal: AbortSignal | undefined;
}

/** Writes the chunks or shards of a piece, one deep along K, but for those that an earlier run wrote. */
export async function writeChunks(writing: ChunkWriting): Promise<void> {
  const { spec, layout, leading, start, slab, sink, encode, signal } = writing;
  const { plan } = layout;
  const outer = plan.shard ?? plan.chunk;
  const [ni, nj] = [0, 1].map((axis) => Math.ceil(slab.shape[axis + 1]! / outer[axis]!)) as [number, number];
  const [i0, j0, k0] = start.map((at, axis) => at / outer[axis]!) as [number, number, number];
  const total = ni * nj;
  let next = 0;
  const put = async (key: string, bytes: Uint8Array): Promise<void> => {
    await sink.set(key, bytes);
    sink.done(key);
  };
  const lane = async (): Promise<void> => {
    const chunk = new ChunkBuffer(layout);
    while (next < total) {
      signal?.throwIfAborted();
      const n = next++;
      const [i, j] = [n % ni, Math.floor(n / ni)];
      const key = spec.keyOf([...leading, k0, j0 + j, i0 + i]);
      if (sink.isDone(key)) continue;
      if (plan.shard === undefined) {
        const filled = chunk.fill(slab, [i * outer[0], j * outer[1], 0]);
        const bytes = filled ?? (sink.dense ? chunk.zeros() : undefined);
        // What is only the fill value is not written, as zarr-python.
        if (bytes !== undefined) await put(key, await encode(bytes));
        continue;
      }
      const chunks = await encodeChunks(chunk, slab, [i * outer[0], j * outer[1]], layout, encode);
      if (sink.dense || chunks.some((bytes) => bytes !== undefined)) await put(key, shardOf(chunks));
    }
  };
  const lanes = Array.from({ length: Math.min(CONCURRENCY, total) }, () =>
    lane().catch((error: unknown) => {
      next = total;
      throw error;
    }),
  );
  // Nothing is being written any more when this rejects.
  const failed = (await Promise.allSettled(lanes)).find(({ status }) => status === "rejected");
  if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
}

/** The chunks of a shard; `undefined` for what is only the fill value. */
async function encodeChunks(
  chunk: ChunkBuffer,
  slab: Tensor,
  [i0, j0]: readonly [number, number],
  { plan }: ArrayLayout,
  encode: ChunkEncoder,
): Promise<(Uint8Array | undefined)[]> {
  const [ci, cj, ck] = plan.chunk;
  const [si, sj, sk] = plan.shard!;
  const chunks: (Uint8Array | undefined)[] = [];
  for (let k = 0; k < sk; k += ck) {
    for (let j = 0; j < sj; j += cj) {
      for (let i = 0; i < si; i += ci) {
        const bytes = chunk.fill(slab, [i0 + i, j0 + j, k]);
        chunks.push(bytes && (await encode(bytes)));
      }
    }
  }
  return chunks;
}

/** Memory for one chunk on its way to the encoder. */
class ChunkBuffer {
  readonly #tensor: Tensor;
  readonly #bytes: Uint8Array;
  readonly #swapSize: number;

  constructor({ plan, header }: ArrayLayout) {
    const [i, j, k] = plan.chunk;
    const { dtype, samples } = header;
    const { array, lanes, itemSize } = DTYPES[dtype];
    const data = new array(i * j * k * samples * lanes);
    const shape: Shape4D = [samples, i, j, k];
    this.#tensor = new Tensor({ data, dtype, shape, strides: [1, samples, samples * i, samples * i * j] });
    this.#bytes = bytesOf(data);
    this.#swapSize = header.littleEndian ? 1 : itemSize / lanes;
  }

  /** A chunk of the fill value. */
  zeros(): Uint8Array {
    return this.#bytes.fill(0);
  }

  /** The chunk at a place of the slab, padded with zeros; `undefined` when it is nothing but zeros. */
  fill(slab: Tensor, start: readonly [number, number, number]): Uint8Array | undefined {
    const { data, dtype, strides, shape } = this.#tensor;
    const count = start.map((at, axis) => Math.min(shape[axis + 1]!, slab.shape[axis + 1]! - at));
    if (count.some((size) => size <= 0)) return undefined;
    if (count.some((size, axis) => size < shape[axis + 1]!)) this.#bytes.fill(0);
    const [i, j, k] = count as [number, number, number];
    const part: Shape4D = [shape[0], i, j, k];
    const offset = start.reduce((sum, at, axis) => sum + at * slab.strides[axis + 1]!, slab.offset);
    const from = new Tensor({ data: slab.data, dtype, shape: part, strides: slab.strides, offset });
    from.copyTo(new Tensor({ data, dtype, shape: part, strides }));
    if (isZero(this.#bytes)) return undefined;
    if (this.#swapSize > 1) swapBytes(this.#bytes, this.#swapSize);
    return this.#bytes;
  }
}

/** Whether all bytes are 0; the first that is not ends the search. */
function isZero(bytes: Uint8Array): boolean {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  for (let n = 0; n < words.length; n++) if (words[n] !== 0) return false;
  for (let n = words.length << 2; n < bytes.length; n++) if (bytes[n] !== 0) return false;
  return true;
}
