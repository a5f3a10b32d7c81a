import { readFileSync } from "#directory";
import type { ArraySpec } from "../meta/array-spec.js";
import type { Store } from "../store/store.js";
import type { Row } from "./batches.js";
import { denseStrides } from "./boxes.js";
import type { ChunkCache } from "./cache.js";
import type { DecodeWorker } from "./decode-worker.js";
import type { Need } from "./needs.js";
import { type Region, scatter } from "./scatter.js";
import { type ChunkLayout, type Task, type TaskChunk, TaskRunner } from "./task.js";

let mainRunner: TaskRunner | undefined;

/** Decodes rows of chunks of one array and copies them to their place; keeps those that are decoded whole. */
export class RowDecoder {
  readonly #spec: ArraySpec;
  readonly #store: Store;
  readonly #cache: ChunkCache;
  readonly #layout: ChunkLayout;

  constructor(spec: ArraySpec, store: Store, cache: ChunkCache) {
    const { type } = spec;
    this.#spec = spec;
    this.#store = store;
    this.#cache = cache;
    this.#layout = {
      codecs: spec.codecs ?? [],
      chunkShape: this.#inOrder(spec.chunkShape),
      chunkBytes: spec.chunkBytes,
      itemSize: type.itemSize,
      swapSize: spec.bigEndian ? type.numberSize : 1,
      fill: spec.fill,
    };
  }

  /**
   * Decodes one row, in `worker` or here.
   *
   * @param found its encoded chunks; `undefined` where the decoder reads the files
   */
  async decode(
    row: Row,
    found: ReadonlyMap<string, Uint8Array> | undefined,
    worker: DecodeWorker | undefined,
    region: Region,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { chunkShape } = this.#spec;
    const [first] = row.needs;
    const origin = first!.spans.map(({ start }, axis) =>
      row.whole ? first!.coordinates[axis]! * chunkShape[axis]! : start,
    );
    const task = this.#taskOf(row, origin, found);
    const consume = (slab: Uint8Array, isOwn: boolean): void => {
      if (row.whole) {
        const bytes = isOwn ? slab : slab.slice();
        this.#cache.set(first!.key, { decoded: true, bytes });
        this.place(bytes, first!, region);
        return;
      }
      const spans = origin.map((start, axis) => ({ start, size: this.#outOfOrder(task.shape, axis) }));
      const dense = denseStrides(task.shape);
      const strides = origin.map((_, axis) => this.#outOfOrder(dense, axis));
      scatter({ bytes: slab, origin, strides }, spans, region);
    };
    const slab = worker === undefined ? null : await worker.run(task, this.#layout);
    signal?.throwIfAborted();
    if (worker === undefined || slab === null) {
      mainRunner ??= new TaskRunner(readFileSync);
      await mainRunner.run(task, this.#layout, (slab) => consume(slab, false));
      return;
    }
    // A chunk that came in memory of just its size is kept as it is.
    const isKept = row.whole && slab.byteLength === slab.buffer.byteLength;
    consume(slab, isKept);
    if (!isKept) worker.recycle(slab);
  }

  /** Copies a whole decoded chunk's part to its place. */
  place(bytes: Uint8Array, { coordinates, spans }: Need, region: Region): void {
    const { chunkShape } = this.#spec;
    const dense = denseStrides(this.#layout.chunkShape);
    const origin = coordinates.map((at, axis) => at * chunkShape[axis]!);
    const strides = chunkShape.map((_, axis) => this.#outOfOrder(dense, axis));
    scatter({ bytes, origin, strides }, spans, region);
  }

  #taskOf(
    { needs, whole }: Row,
    origin: readonly number[],
    found: ReadonlyMap<string, Uint8Array> | undefined,
  ): Task {
    const { chunkShape } = this.#spec;
    const chunks = needs.map(({ key, object, coordinates, spans }): TaskChunk => {
      const begin = coordinates.map((at, axis) => at * chunkShape[axis]!);
      return {
        key,
        file: found === undefined ? this.#store.sync?.fileOf(object) : undefined,
        bytes: found?.get(key),
        start: this.#inOrder(spans.map(({ start }, axis) => (whole ? 0 : start - begin[axis]!))),
        count: this.#inOrder(whole ? chunkShape : spans.map(({ size }) => size)),
        at: this.#inOrder(spans.map(({ start }, axis) => (whole ? 0 : start - origin[axis]!))),
      };
    });
    const last = chunks.at(-1)!;
    return { chunks, shape: last.count.map((count, axis) => count + last.at[axis]!) };
  }

  /** Values of the array's axes, in memory order. */
  #inOrder(values: readonly number[]): number[] {
    return this.#spec.order.map((axis) => values[axis]!);
  }

  /** The value of an array axis, of values in memory order. */
  #outOfOrder(values: readonly number[], axis: number): number {
    return values[this.#spec.order.indexOf(axis)]!;
  }
}
