import { type BloscDecoder, type ChunkBox, createBloscDecoder, readBloscFrame } from "@lazyimg/codecs";
import type { BytesCodec } from "../meta/array-spec.js";
import { ChunkDecoder, chunkError } from "./decode-chunk.js";

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

/** Elements between neighbours along each axis of a dense box. */
export function denseStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/** Calls `visit` with every position of the axes before the last three. */
function eachOuter(count: readonly number[], visit: (position: readonly number[]) => void): void {
  const outer = count.slice(0, -3);
  const position = outer.map(() => 0);
  const walk = (axis: number): void => {
    if (axis === outer.length) visit(position);
    else for (position[axis] = 0; position[axis]! < outer[axis]!; position[axis]!++) walk(axis + 1);
  };
  walk(0);
}

/** The last three of a list, padded in front. */
function lastThree(values: readonly number[], pad: number): [number, number, number] {
  const padded = [pad, pad, pad, ...values].slice(-3);
  return padded as [number, number, number];
}

/** The boxes of at most three axes that one chunk's part consists of. */
function boxesOf({ start, count, at }: TaskChunk, layout: ChunkLayout, shape: readonly number[]): ChunkBox[] {
  const from = denseStrides(layout.chunkShape);
  const to = denseStrides(shape);
  const rank = shape.length;
  const first = start.reduce((sum, position, axis) => sum + position * from[axis]!, 0);
  const target = at.reduce((sum, position, axis) => sum + position * to[axis]!, 0);
  const [n2, n1, n0] = lastThree(count, 1);
  const [s2, s1] = lastThree(from, 0);
  const [o2, o1] = lastThree(to, 0);
  const boxes: ChunkBox[] = [];
  eachOuter(count, (position) => {
    let source = first;
    let output = target;
    for (let axis = 0; axis < rank - 3; axis++) {
      source += position[axis]! * from[axis]!;
      output += position[axis]! * to[axis]!;
    }
    boxes.push({
      first: source,
      counts: [n0, n1, n2],
      strides: [s1, s2],
      output: output * layout.itemSize,
      outputStrides: [o1 * layout.itemSize, o2 * layout.itemSize],
    });
  });
  return boxes;
}

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

/** A chunk without its codecs, or a blosc frame for the kernel; `undefined` is the fill value. */
type Decoded = { readonly bytes: Uint8Array; readonly isFrame: boolean } | undefined;

/** Memory for files that is used again, up to this size. */
const ARENA_BYTES = 8 << 20;

/** Decodes the chunks of tasks into slabs, in memory of its own. One for each thread. */
export class TaskRunner {
  readonly #blosc: BloscDecoder;
  readonly #readFile: ReadFile;
  #arena: Uint8Array | undefined;

  constructor(readFile: ReadFile, blosc: BloscDecoder = createBloscDecoder()) {
    this.#readFile = readFile;
    this.#blosc = blosc;
  }

  /**
   * Hands the slab of a task, in memory order, to `consume`, which copies from it before it returns: the memory is the
   * runner's.
   *
   * @throws LazyImageError with the chunk's key
   */
  async run<T>(task: Task, layout: ChunkLayout, consume: (slab: Uint8Array) => T): Promise<T> {
    // A task that waits for its codec keeps the memory; another one that begins meanwhile gets its own.
    const arena = this.#arena ?? new Uint8Array(ARENA_BYTES);
    this.#arena = undefined;
    try {
      const decoded = await this.#decodeAll(task, layout, arena);
      return consume(this.#gather(task, layout, decoded));
    } finally {
      this.#arena = arena;
    }
  }

  /** Whatever waits, waits here, before the slab is begun: the kernel's memory is shared by the tasks of a thread. */
  async #decodeAll({ chunks }: Task, layout: ChunkLayout, arena: Uint8Array): Promise<readonly Decoded[]> {
    let used = 0;
    const memoryFor = (size: number): Uint8Array => {
      if (used + size > arena.length) return new Uint8Array(size);
      used += size;
      return arena.subarray(used - size, used);
    };
    const decoder = new ChunkDecoder(layout.codecs, layout.chunkBytes, this.#blosc);
    const decoded: Decoded[] = [];
    for (const { key, file, bytes: given } of chunks) {
      const bytes = given ?? (file === undefined ? undefined : this.#readFile(file, memoryFor));
      decoded.push(bytes && (await decoder.decode(bytes, key)));
    }
    return decoded;
  }

  #gather({ chunks, shape }: Task, layout: ChunkLayout, decoded: readonly Decoded[]): Uint8Array {
    const { itemSize, swapSize } = layout;
    const blosc = this.#blosc;
    blosc.reserve(product(shape) * itemSize);
    const missing: ChunkBox[] = [];
    for (const [n, chunk] of chunks.entries()) {
      const found = decoded[n];
      const boxes = boxesOf(chunk, layout, shape);
      if (found === undefined) {
        missing.push(...boxes);
        continue;
      }
      try {
        if (found.isFrame) {
          const strides = denseStrides(layout.chunkShape);
          const first = boxes[0]!.first;
          const last = chunk.count.reduce((sum, count, axis) => sum + (count - 1) * strides[axis]!, first);
          blosc.load(found.bytes, readBloscFrame(found.bytes), itemSize, first, last + 1);
        } else {
          blosc.loadPlain(found.bytes);
        }
        blosc.gather(boxes, itemSize);
      } catch (error) {
        throw chunkError(chunk.key, error);
      }
    }
    const slab = blosc.output();
    if (swapSize > 1) swapBytes(slab, swapSize);
    fillBox(slab, missing, layout.fill);
    return slab;
  }
}
