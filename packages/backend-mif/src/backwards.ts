import {
  type AxisRange,
  type BackendDriver,
  mapAxes,
  type Range4D,
  type Shape4D,
  slice,
} from "@lazyimg/core";

type Reader = Pick<BackendDriver, "readRegion" | "plan" | "strided">;

/**
 * A reader of an array some of whose axes run backwards, from a reader of it as it lies on disk: a region is the mirrored
 * one, seen the other way round. Nothing is copied.
 */
export function mirrored(reader: Reader, shape: Shape4D, backwards: readonly boolean[]): Reader {
  if (!backwards.includes(true)) return reader;
  const turn = backwards.map((reversed) => slice(null, null, reversed ? -1 : 1));
  const onDisk = (range: Range4D): Range4D =>
    mapAxes(range, ({ start, step, size }, axis): AxisRange => {
      const last = start + step * (size - 1);
      return { start: backwards[axis] ? shape[axis]! - 1 - last : start, step, size };
    });
  return {
    ...reader,
    async readRegion(range, context) {
      const target = context.target?.slice(turn);
      return (await reader.readRegion(onDisk(range), { ...context, target })).slice(turn);
    },
    plan: (range) => reader.plan!(onDisk(range)),
  };
}
