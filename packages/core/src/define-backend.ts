import { type Affine, createAffine } from "./affine.js";
import type { AffineSource, ImageDataBackend, LevelInfo, ReadOptions, ReadPlan } from "./backend.js";
import { convert, type Scaling, scaledDType } from "./convert.js";
import { type DataOf, DTYPES, type DType, isDType } from "./dtype.js";
import { LazyImageError } from "./errors.js";
import { type AxisRange, type Index, type Range4D, resolveIndex, shapeOf } from "./indexing.js";
import { type Shape4D, sizeOf, Tensor, unknownDType } from "./tensor.js";

/** What a driver is told besides the range. */
export interface ReadContext {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: { bytes: number; totalBytes: number }) => void) | undefined;
  /** Memory that the driver may fill and return, to save a copy; it may as well return memory of its own. */
  readonly target?: Tensor | undefined;
}

/** What a format author writes: the header's facts and one region reader. `defineBackend` does the rest. */
export interface BackendDriver {
  readonly shape: Shape4D;
  readonly affine: Affine;
  /** The data type on disk, and of what `readRegion` returns. */
  readonly dtype: DType;
  /**
   * Reads the voxels of `range` as they are stored, in fresh memory with any strides. `range` lies within `shape`, is
   * not empty, and has steps of 1, or positive ones where `strided` is set.
   */
  readRegion(range: Range4D, context: ReadContext): Promise<Tensor>;
  /** Set when `readRegion` itself can skip voxels; otherwise steps are taken from the dense region in memory. */
  readonly strided?: boolean | undefined;
  /** `stored * slope + inter`, applied unless the reader asks for stored values. */
  readonly scaling?: Scaling | undefined;
  /** What `readRegion` would cost for the same range, without I/O. */
  plan?(range: Range4D): ReadPlan;
  readonly affineSource?: AffineSource | undefined;
  readonly header?: unknown;
  readonly levels?: readonly LevelInfo[] | undefined;
  close?(): Promise<void>;
}

/** The range with positive steps that covers the same positions; without `strided`, the dense one around them. */
function forDriver(range: Range4D, strided: boolean): Range4D {
  return range.map(({ start, step, size }): AxisRange => {
    const first = step < 0 ? start + step * (size - 1) : start;
    const stride = Math.abs(step);
    return strided
      ? { start: first, step: stride, size }
      : { start: first, step: 1, size: stride * (size - 1) + 1 };
  }) as unknown as Range4D;
}

/** Whether the range asks for neighbours, in their order. */
function isDense(range: Range4D): boolean {
  return range.every(({ step }) => step === 1);
}

/** Picks from what the driver read the positions that were asked for, as a view. */
function pick(tensor: Tensor, range: Range4D, strided: boolean): Tensor {
  if (isDense(range)) return tensor;
  return tensor.slice(
    range.map(({ step }) => ({ start: null, stop: null, step: strided ? Math.sign(step) : step })),
  );
}

/**
 * A whole backend from one region reader: index handling, negative steps, casts, scaling, `out`, `toTensor`, `explain`,
 * abort and closing.
 *
 * @throws LazyImageError `ERR_UNSUPPORTED_DTYPE` when the driver's dtype is none of core's, `ERR_INVALID_ARGUMENT` when
 * its affine is no 4 x 4.
 */
export function defineBackend(driver: BackendDriver): ImageDataBackend {
  const { shape, dtype, scaling, strided = false } = driver;
  if (!isDType(dtype)) throw unknownDType(dtype);
  const valueDtype = scaling === undefined ? dtype : scaledDType(dtype);
  let closed = false;

  const resultDType = ({ scaled = true, dtype: wanted }: ReadOptions): DType => {
    if (wanted !== undefined && !isDType(wanted)) throw unknownDType(wanted);
    return wanted ?? (scaled ? valueDtype : dtype);
  };

  async function read<D extends DType>(index?: Index, options: ReadOptions<D> = {}): Promise<Tensor<D>> {
    const { signal, onProgress, out, scaled = true } = options;
    signal?.throwIfAborted();
    if (closed)
      throw new LazyImageError("ERR_CLOSED", "This image was closed; open it again to read from it.");
    const range = resolveIndex(index, shape);
    const size = shapeOf(range);
    const wanted = resultDType(options);
    const applied = scaled ? scaling : undefined;
    const target = out && outTensor(out, wanted, size);
    if (sizeOf(size) === 0) return (target ?? emptyTensor(wanted, size)) as Tensor<D>;

    const direct = applied === undefined && wanted === dtype && isDense(range);
    const context = { signal, onProgress, target: direct ? target : undefined };
    let stored: Tensor;
    try {
      stored = await driver.readRegion(forDriver(range, strided), context);
    } finally {
      // However the driver took an abort, the reader hears the signal's own reason.
      signal?.throwIfAborted();
    }
    const values = pick(stored, range, strided);
    const result = applied === undefined ? values.astype(wanted) : convert(values, wanted, applied);
    if (target === undefined || result.data === target.data) return result as Tensor<D>;
    result.copyTo(target);
    return target as Tensor<D>;
  }

  function explain(index?: Index, options: ReadOptions = {}): ReadPlan {
    const range = resolveIndex(index, shape);
    const { scaled = true } = options;
    const elements = sizeOf(shapeOf(range));
    const wanted = resultDType(options);
    const outputBytes = elements * DTYPES[wanted].itemSize;
    if (elements === 0) return { requests: 0, bytes: 0, outputBytes: 0, peakBytes: 0 };
    const plan = driver.plan!(forDriver(range, strided));
    const converted = wanted !== dtype || (scaled && scaling !== undefined) || options.out !== undefined;
    return { ...plan, outputBytes, peakBytes: plan.peakBytes + (converted ? outputBytes : 0) };
  }

  return {
    shape,
    affine: createAffine(driver.affine),
    dtype,
    affineSource: driver.affineSource,
    valueDtype: valueDtype === dtype ? undefined : valueDtype,
    header: driver.header,
    levels: driver.levels,
    read,
    toTensor: (options) => read(undefined, options),
    ...(driver.plan && { explain }),
    async close() {
      if (closed) return;
      closed = true;
      await driver.close?.();
    },
  };
}

function emptyTensor(dtype: DType, shape: Shape4D): Tensor {
  return new Tensor({ data: new DTYPES[dtype].array(0), dtype, shape });
}

/**
 * The caller's array as a tensor in C order: what `read` fills when it is given `out`.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` when the array has another length or type than the region needs
 */
export function outTensor<D extends DType>(data: DataOf<D>, dtype: D, shape: Shape4D): Tensor<D> {
  const expected = sizeOf(shape) * DTYPES[dtype].lanes;
  if (data.length !== expected) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `\`out\` has ${data.length} entries, but a region of shape (${shape}) as ${dtype} needs ${expected}.`,
    );
  }
  return new Tensor({ data, dtype, shape });
}
