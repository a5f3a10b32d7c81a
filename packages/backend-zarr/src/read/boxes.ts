import type { ChunkBox } from "@lazyimg/codecs";
import type { ChunkLayout, TaskChunk } from "./task.js";

/** Elements between neighbours along each axis of a dense box. */
export function denseStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/** The first element of a chunk that is wanted, and the one behind the last. */
export function extentOf(
  { start, count }: TaskChunk,
  { chunkShape }: ChunkLayout,
): [from: number, to: number] {
  const strides = denseStrides(chunkShape);
  const at = (position: (axis: number) => number): number =>
    strides.reduce((sum, stride, axis) => sum + position(axis) * stride, 0);
  const from = at((axis) => start[axis]!);
  return [from, from + at((axis) => count[axis]! - 1) + 1];
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
export function boxesOf(
  { start, count, at }: TaskChunk,
  layout: ChunkLayout,
  shape: readonly number[],
): ChunkBox[] {
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
