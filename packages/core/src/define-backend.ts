import { type Affine, createAffine } from "./affine.js";
import type { AffineSource, ImageDataBackend, LevelInfo, ReadOptions, ReadPlan } from "./backend.js";
import { convert, type Scaling, scaledDType } from "./convert.js";
import { allocate, checkDType, type DataOf, DTYPES, type DType } from "./dtype.js";
import { invalid, LazyImageError } from "./errors.js";
import { type AxisRange, type Index, type Range4D, resolveIndex, shapeOf } from "./indexing.js";
import { type Shape4D, sizeOf, Tensor } from "./tensor.js";

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
    const stride = Math.abs(step);
    const reach = stride * (size - 1);
    const first = step < 0 ? start - reach : start;
    return strided ? { start: first, step: stride, size } : { start: first, step: 1, size: reach + 1 };
  }) as unknown as Range4D;
}

/**
 * A whole backend from one region reader: index handling, negative steps, casts, scaling, `out`, `toTensor`, `explain`,
 * abort and closing.
 *
 * @throws LazyImageError `ERR_UNSUPPORTED_DTYPE` when the driver's dtype is none of core's, `ERR_INVALID_ARGUMENT` when
 * its affine is no 4 x 4.
 */
export function defineBackend(driver: BackendDriver): ImageDataBackend {
  const { shape, dtype, affineSource, header, levels, strided = false } = driver;
  const valueDtype = driver.scaling === undefined ? checkDType(dtype) : scaledDType(checkDType(dtype));
  let closed = false;

  /** What the arguments of a read come to. */
  const resolve = (index: Index | undefined, { scaled = true, dtype: wanted }: ReadOptions) => {
    const range = resolveIndex(index, shape);
    const scaling = scaled ? driver.scaling : undefined;
    const result = checkDType(wanted ?? (scaled ? valueDtype : dtype));
    return {
      range,
      size: shapeOf(range),
      scaling,
      result,
      converted: scaling !== undefined || result !== dtype,
      /** Whether positions are picked from a region that is larger than what was asked for. */
      picked: !strided && range.some(({ step }) => Math.abs(step) > 1),
    };
  };

  async function read<D extends DType>(index?: Index, options: ReadOptions<D> = {}): Promise<Tensor<D>> {
    const { signal, onProgress, out } = options;
    signal?.throwIfAborted();
    if (closed)
      throw new LazyImageError("ERR_CLOSED", "This image was closed; open it again to read from it.");
    const { range, size, scaling, result, converted, picked } = resolve(index, options);
    const target = out && outTensor(out, result as D, size);
    if (sizeOf(size) === 0) return target ?? outTensor(allocate(result as D, 0), result as D, size);

    const direct = !converted && range.every(({ step }) => step === 1);
    const context = { signal, onProgress, target: direct ? target : undefined };
    let stored: Tensor;
    try {
      stored = await driver.readRegion(forDriver(range, strided), context);
    } finally {
      // However the driver took an abort, the reader hears the signal's own reason.
      signal?.throwIfAborted();
    }
    const asked = stored.slice(
      range.map(({ step }) => ({ start: null, stop: null, step: strided ? Math.sign(step) : step })),
    );
    const values = (converted ? convert(asked, result, scaling) : asked) as Tensor<D>;
    if (target === undefined) {
      // A view would keep all of the region alive.
      return picked && !converted ? values.copy() : values;
    }
    if (values.data !== target.data) values.copyTo(target);
    return target;
  }

  function explain(index?: Index, options: ReadOptions = {}): ReadPlan {
    const { range, size, result, converted, picked } = resolve(index, options);
    const elements = sizeOf(size);
    if (elements === 0) return { requests: 0, bytes: 0, outputBytes: 0, peakBytes: 0 };
    const plan = driver.plan!(forDriver(range, strided));
    const outputBytes = elements * DTYPES[result].itemSize;
    let { peakBytes } = plan;
    const { out } = options;
    // Besides what the driver holds: what was picked, what it was converted to, the caller's array.
    if (picked && (converted || !out)) peakBytes += elements * DTYPES[dtype].itemSize;
    if (converted) peakBytes += outputBytes;
    if (out) peakBytes += outputBytes;
    return { ...plan, outputBytes, peakBytes };
  }

  return {
    shape,
    affine: createAffine(driver.affine),
    dtype,
    affineSource,
    valueDtype: valueDtype === dtype ? undefined : valueDtype,
    header,
    levels,
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

/**
 * The caller's array as a tensor in C order: what `read` fills when it is given `out`.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` when the array has another length or type than the region needs
 */
export function outTensor<D extends DType>(data: DataOf<D>, dtype: D, shape: Shape4D): Tensor<D> {
  const expected = sizeOf(shape) * DTYPES[dtype].lanes;
  if (data.length !== expected) {
    throw invalid(
      `\`out\` has ${data.length} entries, but a region of shape (${shape}) as ${dtype} needs ${expected}.`,
    );
  }
  return new Tensor({ data, dtype, shape });
}
