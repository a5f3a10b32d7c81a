import {
  type AxisRange,
  DTYPES,
  type DType,
  LazyImageError,
  type Range4D,
  type Shape4D,
  type Strides4D,
  sizeOf,
} from "@lazyimg/core";

/** Where the elements of one dense array lie inside a byte source. */
export interface ArrayLayout {
  /** Byte of element (0, 0, 0, 0). */
  readonly offset: number;
  readonly dtype: DType;
  readonly littleEndian: boolean;
  /** (C, I, J, K). */
  readonly shape: Shape4D;
  /** Elements between neighbours along C, I, J, K; every order of axes is fine, negative strides are not. */
  readonly strides: Strides4D;
}

/**
 * Dense strides from the order in which the axes vary on disk.
 *
 * @param fastestFirst axes of (C, I, J, K) by number: `[1, 2, 3, 0]` is NIfTI, `[0, 1, 2, 3]` interleaved channels
 */
export function stridesInOrder(shape: Shape4D, fastestFirst: readonly number[]): Strides4D {
  const strides: [number, number, number, number] = [0, 0, 0, 0];
  let step = 1;
  for (const axis of fastestFirst) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/** Bytes from the layout's offset to the end of its last element. */
export function layoutBytes({ dtype, shape, strides }: ArrayLayout): number {
  if (sizeOf(shape) === 0) return 0;
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, 0);
  return (last + 1) * DTYPES[dtype].itemSize;
}

/**
 * Checks that the source can hold the layout, before anything is allocated by its numbers.
 *
 * @param size bytes in the source, or the most that it could have
 * @throws LazyImageError `ERR_HEADER` when the array is too large for any file, `ERR_TRUNCATED` when it ends behind the source
 */
export function checkLayout(layout: ArrayLayout, size: number | null, what: string): void {
  const { shape, dtype, offset } = layout;
  const end = offset + layoutBytes(layout);
  if (!Number.isSafeInteger(end) || !Number.isSafeInteger(sizeOf(shape) * DTYPES[dtype].itemSize)) {
    throw new LazyImageError(
      "ERR_HEADER",
      `${what} states shape (${shape}) of ${dtype}, which is beyond 2^53 bytes; the header is damaged.`,
    );
  }
  if (size !== null && end > size) {
    throw new LazyImageError(
      "ERR_TRUNCATED",
      `${what} states shape (${shape}) of ${dtype} from byte ${offset}, so voxels up to byte ${end}, but has ${size} bytes; it was cut short or its header is damaged.`,
    );
  }
}

/** One axis of a region on disk. */
export interface DiskAxis {
  /** Number in (C, I, J, K). */
  readonly axis: number;
  readonly size: number;
  /** Bytes between neighbours of the region. */
  readonly distance: number;
}

/** The axes of a region that vary (size above 1), from the fastest on disk to the slowest. */
export function diskAxes({ dtype, strides }: ArrayLayout, range: Range4D): DiskAxis[] {
  const { itemSize } = DTYPES[dtype];
  return range
    .map(({ step, size }: AxisRange, axis) => ({ axis, size, distance: step * strides[axis]! * itemSize }))
    .filter(({ size }) => size > 1)
    .sort((a, b) => a.distance - b.distance);
}

/** Byte of a region's first element. */
export function firstByte({ dtype, strides, offset }: ArrayLayout, range: Range4D): number {
  const { itemSize } = DTYPES[dtype];
  return offset + range.reduce((sum, { start }, axis) => sum + start * strides[axis]!, 0) * itemSize;
}
