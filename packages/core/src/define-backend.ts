import { type Affine, createAffine } from "./affine.js";
import { mapAxes } from "./axes.js";
import type { AffineSource, ImageDataBackend, LevelInfo, ReadOptions, ReadPlan } from "./backend.js";
import { convert, type Scaling, scaledDType } from "./convert.js";
import { allocate, checkDType, type DataOf, DTYPES, type DType } from "./dtype.js";
import { invalid, LazyImageError } from "./errors.js";
import { type AxisRange, type Index, type Range4D, resolveIndex, shapeOf, slice } from "./indexing.js";
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

/**
 * A whole backend from one region reader: index handling, negative steps, casts, scaling, `out`, `toTensor`, `explain`,
 * abort and closing.
 *
 * @throws LazyImageError `ERR_UNSUPPORTED_DTYPE` when the driver's dtype is none of core's, `ERR_INVALID_ARGUMENT` when
 * its affine is no 4 x 4.
 */
export function defineBackend(driver: BackendDriver): ImageDataBackend {
  const { shape, dtype, strided = false } = driver;
  const valueDtype = driver.scaling === undefined ? checkDType(dtype) : scaledDType(checkDType(dtype));
  let closed = false;

  /** What the arguments of a read ask for: a range, the result's data type, and how values become that. */
  const resolve = (index: Index | undefined, { scaled = true, dtype: wanted }: ReadOptions) => {
    const result = checkDType(wanted ?? (scaled ? valueDtype : dtype));
    const scaling = scaled ? driver.scaling : undefined;
    const converted = scaling !== undefined || result !== dtype;
    const range = resolveIndex(index, shape);
    // Positive steps that cover the same positions; without `strided`, the dense region around them.
    const asked = mapAxes(range, ({ start, step, size }): AxisRange => {
      const stride = Math.abs(step);
      const first = Math.min(start, start + step * (size - 1));
      return strided
        ? { start: first, step: stride, size }
        : { start: first, step: 1, size: stride * (size - 1) + 1 };
    });
    const gaps = sizeOf(shapeOf(asked)) - sizeOf(shapeOf(range));
    return [range, asked, gaps, result, converted, scaling] as const;
  };

  async function read<D extends DType>(index?: Index, options: ReadOptions<D> = {}): Promise<Tensor<D>> {
    const { signal, onProgress, out } = options;
    signal?.throwIfAborted();
    if (closed) throw new LazyImageError("ERR_CLOSED", "This image was closed; open it again.");
    const [range, asked, gaps, result, converted, scaling] = resolve(index, options);
    const size = shapeOf(range);
    const target = out && outTensor(out, result as D, size);
    const forward = range.every(({ step }) => step === 1);
    let values: Tensor;
    try {
      values =
        sizeOf(size) === 0
          ? outTensor(allocate(dtype, 0), dtype, shapeOf(asked))
          : await driver.readRegion(asked, {
              signal,
              onProgress,
              target: forward && !converted ? target : undefined,
            });
    } finally {
      // However the driver took an abort, the reader hears the signal's own reason.
      signal?.throwIfAborted();
    }
    if (!forward)
      values = values.slice(range.map(({ step }) => slice(null, null, strided ? Math.sign(step) : step)));
    // A view would keep the voxels between alive.
    if (gaps) values = values.copy();
    if (converted) values = convert(values, result, scaling);
    if (target === undefined) return values as Tensor<D>;
    if (values.data !== target.data) values.copyTo(target);
    return target;
  }

  function explain(index?: Index, options: ReadOptions = {}): ReadPlan {
    const [range, asked, gaps, result, converted] = resolve(index, options);
    const elements = sizeOf(shapeOf(range));
    const plan = elements > 0 ? driver.plan!(asked) : { requests: 0, bytes: 0, peakBytes: 0 };
    const outputBytes = elements * DTYPES[result].itemSize;
    // Besides what the driver holds: what is taken out between gaps, what that is converted to, the caller's array.
    let { peakBytes } = plan;
    if (gaps > 0) peakBytes += elements * DTYPES[dtype].itemSize;
    if (converted) peakBytes += outputBytes;
    if (options.out) peakBytes += outputBytes;
    return { ...plan, outputBytes, peakBytes };
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

/**
 * The caller's array as a tensor in C order: what `read` fills when it is given `out`.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` when the array has another length or type than the region needs
 */
export function outTensor<D extends DType>(data: DataOf<D>, dtype: D, shape: Shape4D): Tensor<D> {
  const expected = sizeOf(shape) * DTYPES[dtype].lanes;
  if (data.length !== expected) {
    throw invalid(`\`out\` has ${data.length} entries; shape (${shape}) as ${dtype} needs ${expected}.`);
  }
  return new Tensor({ data, dtype, shape });
}
