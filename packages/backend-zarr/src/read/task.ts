import { type BloscDecoder, type ChunkBox, createBloscDecoder, readBloscFrame } from "@lazyimg/codecs";
import type { BytesCodec } from "../meta/array-spec.js";
import { boxesOf, extentOf } from "./boxes.js";
import { ChunkDecoder, chunkError, type DecodedChunk } from "./decode-chunk.js";
import { decodeZstd } from "./zstd.js";
import { gatherZstd } from "./zstd-gather.js";

/**
 * How chunks of an array lie in memory. Axes are in memory order here, from the slowest to the fastest. Plain data: it
 * is sent to workers.
 */
export interface ChunkLayout {
  readonly codecs: readonly BytesCodec[];
  readonly chunkShape: readonly number[];
  readonly chunkBytes: number;
  readonly itemSize: number;
  /** Bytes to reverse, 1 where the byte order is the machine's. */
  readonly swapSize: number;
  /** One element as it lies in the result. */
  readonly fill: Uint8Array;
}

/** The part of one chunk that is wanted, and where it goes in the slab. Axes in memory order. */
export interface TaskChunk {
  readonly key: string;
  /** The file to read, where the worker reads it itself. */
  readonly file?: string | undefined;
  /** The encoded chunk; missing ones are the fill value. */
  readonly bytes?: Uint8Array | undefined;
  readonly start: readonly number[];
  readonly count: readonly number[];
  readonly at: readonly number[];
}

/** Neighbouring chunks that fill one dense box of elements. */
export interface Task {
  readonly chunks: readonly TaskChunk[];
  /** Elements of the slab along each axis, in memory order. */
  readonly shape: readonly number[];
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

function fillBox(slab: Uint8Array, boxes: readonly ChunkBox[], fill: Uint8Array): void {
  const itemSize = fill.length;
  const same = fill.every((byte) => byte === fill[0]);
  for (const { counts, output, outputStrides } of boxes) {
    for (let z = 0; z < counts[2]; z++) {
      for (let y = 0; y < counts[1]; y++) {
        const begin = output + z * outputStrides[1] + y * outputStrides[0];
        const row = slab.subarray(begin, begin + counts[0] * itemSize);
        if (same) row.fill(fill[0]!);
        else for (let n = 0; n < row.length; n++) row[n] = fill[n % itemSize]!;
      }
    }
  }
}

/** Reverses the bytes of every number. */
export function swapBytes(bytes: Uint8Array, size: number): void {
  for (let at = 0; at + size <= bytes.length; at += size) {
    for (let a = at, b = at + size - 1; a < b; a++, b--) {
      const byte = bytes[a]!;
      bytes[a] = bytes[b]!;
      bytes[b] = byte;
    }
  }
}

/** Reads a whole file into memory that it asks for; `undefined` where there is none. */
export type ReadFile = (file: string, memoryFor: (size: number) => Uint8Array) => Uint8Array | undefined;

/** `undefined` is the fill value. */
type Decoded = DecodedChunk | undefined;

/** Bytes of memory, for files and for what gzip decodes to, that is used again. */
const ARENA_BYTES = 8 << 20;

/** That memory, from when it is first needed. */
interface Arena {
  memory?: Uint8Array;
}

/** Decodes the chunks of tasks into slabs, in memory of its own. One for each thread. */
export class TaskRunner {
  readonly #blosc: BloscDecoder;
  readonly #readFile: ReadFile;
  #arena: Arena | undefined = {};

  constructor(readFile: ReadFile) {
    this.#readFile = readFile;
    this.#blosc = createBloscDecoder(undefined, decodeZstd);
  }

  /**
   * Hands the slab of a task, in memory order, to `consume`, which copies from it before it returns: the memory is the
   * runner's.
   *
   * @throws LazyImageError with the chunk's key
   */
  async run<T>(task: Task, layout: ChunkLayout, consume: (slab: Uint8Array) => T): Promise<T> {
    // A task that waits for its codec keeps the memory; another one that begins meanwhile gets none of it.
    const arena = this.#arena;
    this.#arena = undefined;
    try {
      const decoded = await this.#decodeAll(task, layout, arena);
      return consume(this.#gather(task, layout, decoded));
    } finally {
      this.#arena = arena ?? this.#arena;
    }
  }

  /** Whatever waits, waits here, before the slab is begun: the kernel's memory is shared by the tasks of a thread. */
  async #decodeAll(
    { chunks }: Task,
    layout: ChunkLayout,
    arena: Arena | undefined,
  ): Promise<readonly Decoded[]> {
    let used = 0;
    const memoryFor = (size: number): Uint8Array => {
      if (arena === undefined || used + size > ARENA_BYTES) return new Uint8Array(size);
      arena.memory ??= new Uint8Array(ARENA_BYTES);
      used += size;
      return arena.memory.subarray(used - size, used);
    };
    const decoder = new ChunkDecoder(layout.codecs, layout.chunkBytes, this.#blosc);
    const decoded: Decoded[] = [];
    for (const { key, file, bytes: given } of chunks) {
      const bytes = given ?? (file === undefined ? undefined : this.#readFile(file, memoryFor));
      decoded.push(bytes && (await decoder.decode(bytes, key, memoryFor)));
    }
    return decoded;
  }

  #gather({ chunks, shape }: Task, layout: ChunkLayout, decoded: readonly Decoded[]): Uint8Array {
    const { swapSize } = layout;
    const missing: ChunkBox[] = [];
    const slab = decoded.some((found) => found?.form === "zstd")
      ? gatherZstd({ chunks, shape }, layout, decoded, missing)
      : this.#gatherBlosc({ chunks, shape }, layout, decoded, missing);
    if (swapSize > 1) swapBytes(slab, swapSize);
    fillBox(slab, missing, layout.fill);
    return slab;
  }

  #gatherBlosc(
    { chunks, shape }: Task,
    layout: ChunkLayout,
    decoded: readonly Decoded[],
    missing: ChunkBox[],
  ): Uint8Array {
    const { itemSize } = layout;
    const blosc = this.#blosc;
    blosc.reserve(product(shape) * itemSize);
    for (const [n, chunk] of chunks.entries()) {
      const found = decoded[n];
      const boxes = boxesOf(chunk, layout, shape);
      if (found === undefined) {
        missing.push(...boxes);
        continue;
      }
      try {
        if (found.form === "blosc") {
          const [from, to] = extentOf(chunk, layout);
          blosc.load(found.bytes, readBloscFrame(found.bytes), itemSize, from, to);
        } else {
          blosc.loadPlain(found.bytes);
        }
        blosc.gather(boxes, itemSize);
      } catch (error) {
        throw chunkError(chunk.key, error);
      }
    }
    return blosc.output();
  }
}
