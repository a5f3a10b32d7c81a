import type { Range4D, Slice } from "@lazyimg/core";

/** The index that selects `range`: what `resolveIndex` turns into it again. */
export function indexOf(range: Range4D): Slice[] {
  return range.map(({ start, step, size }) => {
    const stop = start + step * size;
    // A negative stop would count from the end.
    return { start, stop: size === 0 ? start : stop < 0 ? null : stop, step };
  });
}
