import {
  type Affine,
  type DataOf,
  DTYPES,
  type DType,
  type ImageDataBackend,
  type Index,
  mapAxes,
  outTensor,
  type Range4D,
  type ReadOptions,
  resolveIndex,
  type Shape4D,
  shapeOf,
  Tensor,
} from "@lazyimg/core";
import { cropAffine } from "./affine.js";
import { indexOf } from "./index-of.js";

/** For each axis of the view, (C, I, J, K), the axis of the backend underneath. */
export type AxisOrder = readonly [c: number, i: number, j: number, k: number];

/**
 * A lazy region of another backend, with its axes perhaps in another order. Reading it reads just what is asked for.
 *
 * A view of a view is one view of the backend below, however many are taken.
 */
export class ViewBackend implements ImageDataBackend {
  readonly shape: Shape4D;
  readonly affine: Affine;
  readonly dtype: DType;
  readonly explain?: NonNullable<ImageDataBackend["explain"]>;
  readonly #base: ImageDataBackend;
  /** What is seen, in the base's own axis order. */
  readonly #range: Range4D;
  readonly #axes: AxisOrder;

  private constructor(base: ImageDataBackend, range: Range4D, axes: AxisOrder) {
    this.#base = base;
    this.#range = range;
    this.#axes = axes;
    const shape = shapeOf(range);
    this.shape = mapAxes(axes, (axis) => shape[axis]!);
    this.affine = permuteColumns(cropAffine(base.affine, range), axes);
    this.dtype = base.dtype;
    if (base.explain) {
      this.explain = (index, options) =>
        base.explain!(indexOf(this.#toBase(resolveIndex(index, this.shape))), options);
    }
  }

  /** @param range in the order of `backend`'s axes, before they are permuted */
  static of(backend: ImageDataBackend, range: Range4D, axes: AxisOrder = [0, 1, 2, 3]): ViewBackend {
    if (!(backend instanceof ViewBackend)) return new ViewBackend(backend, range, axes);
    const order = mapAxes(axes, (axis) => backend.#axes[axis]!);
    return new ViewBackend(backend.#base, backend.#toBase(range), order);
  }

  get affineSource(): ImageDataBackend["affineSource"] {
    return this.#base.affineSource;
  }

  get valueDtype(): DType | undefined {
    return this.#base.valueDtype;
  }

  get header(): unknown {
    return this.#base.header;
  }

  async read<D extends DType = DType>(index?: Index, options: ReadOptions<D> = {}): Promise<Tensor<D>> {
    const range = this.#toBase(resolveIndex(index, this.shape));
    if (this.#axes.every((axis, n) => axis === n)) return this.#base.read<D>(indexOf(range), options);
    const { out, ...rest } = options;
    return into(out, this.#permuted(await this.#base.read<D>(indexOf(range), rest)));
  }

  async toTensor<D extends DType = DType>(options: ReadOptions<D> = {}): Promise<Tensor<D>> {
    const { out, ...rest } = options;
    if (this.#range.every(({ size }, axis) => size === this.#base.shape[axis])) {
      const whole = await this.#base.toTensor<D>(rest);
      return into(out, this.#permuted(whole.slice(indexOf(this.#range))));
    }
    const result = await this.read<D>(undefined, options);
    // A backend in memory gives a view of a tensor that others hold: one larger than what is seen of it.
    const { lanes } = DTYPES[result.dtype];
    return result.data.length > result.size * lanes ? result.copy() : result;
  }

  /** A range of the view as a range of the base. */
  #toBase(range: Range4D): Range4D {
    return mapAxes(this.#range, (below, axis) => {
      const { start, step, size } = range[this.#axes.indexOf(axis)]!;
      return { start: below.start + start * below.step, step: below.step * step, size };
    });
  }

  #permuted<D extends DType>({ data, dtype, shape, strides, offset }: Tensor<D>): Tensor<D> {
    return new Tensor({
      data,
      dtype,
      offset,
      shape: mapAxes(this.#axes, (axis) => shape[axis]!),
      strides: mapAxes(this.#axes, (axis) => strides[axis]!),
    });
  }
}

/** The tensor, copied in C order into the caller's array when there is one. */
function into<D extends DType>(out: DataOf<D> | undefined, tensor: Tensor<D>): Tensor<D> {
  if (out === undefined) return tensor;
  const target = outTensor(out, tensor.dtype, tensor.shape);
  tensor.copyTo(target);
  return target;
}

/** The affine whose columns are those of `affine` in the order of the view's spatial axes. */
function permuteColumns(affine: Affine, [, i, j, k]: AxisOrder): Affine {
  const columns = [i! - 1, j! - 1, k! - 1, 3];
  return Object.freeze(affine.map((_, n) => affine[n - (n % 4) + columns[n % 4]!]!));
}
