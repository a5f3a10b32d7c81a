import type { ArraySpec } from "../meta/array-spec.js";
import type { Span } from "./axes.js";
import type { ShardReader } from "./shards.js";

/** One chunk that a read needs. */
export interface Need {
  /** Identifies the chunk, in a shard too. */
  readonly key: string;
  /** Key of the object that holds it. */
  readonly object: string;
  /** In the array's chunk grid. */
  readonly coordinates: readonly number[];
  /** The part of the array that the chunk has and the read wants. */
  readonly spans: readonly Span[];
}

/** The chunks that overlap a box of the array, the fastest axis in memory running first. */
export function needsOf(spec: ArraySpec, shards: ShardReader | undefined, spans: readonly Span[]): Need[] {
  const { chunkShape, order, keyOf } = spec;
  const first = spans.map(({ start }, axis) => Math.floor(start / chunkShape[axis]!));
  const last = spans.map(({ start, size }, axis) => Math.floor((start + size - 1) / chunkShape[axis]!));
  const needs: Need[] = [];
  const at = [...first];
  const walk = (depth: number): void => {
    if (depth < order.length) {
      const axis = order[depth]!;
      for (at[axis] = first[axis]!; at[axis]! <= last[axis]!; at[axis]!++) walk(depth + 1);
      return;
    }
    const coordinates = [...at];
    const object = keyOf(shards ? shards.shardOf(coordinates) : coordinates);
    needs.push({
      key: shards ? `${object}[${coordinates}]` : object,
      object,
      coordinates,
      spans: spans.map(({ start, size }, axis) => {
        const begin = Math.max(start, at[axis]! * chunkShape[axis]!);
        const end = Math.min(start + size, (at[axis]! + 1) * chunkShape[axis]!);
        return { start: begin, size: end - begin };
      }),
    });
  };
  walk(0);
  return needs;
}
