import { mapAxes } from "./axes.js";
import { convert } from "./convert.js";
import { stridedCopy } from "./copy.js";
import { allocate, checkDType, type DataOf, DTYPES, type DType, isDType, type ScalarOf } from "./dtype.js";
import { invalid } from "./errors.js";
import { type Index, resolveIndex, shapeOf } from "./indexing.js";
import { hasMembers, nameOf } from "./structure.js";

/** (C, I, J, K): channels first, then the three voxel axes. Always four, whatever is on disk. */
export type Shape4D = readonly [c: number, i: number, j: number, k: number];

/** Distance, in elements, between neighbours along C, I, J, K. */
export type Strides4D = readonly [c: number, i: number, j: number, k: number];

/** Order of elements in memory: "C" has K fastest, "F" has C fastest. */
export type MemoryOrder = "C" | "F";

/** What a `Tensor` is built from. */
export interface TensorInit<D extends DType = DType> {
  readonly data: DataOf<D>;
  readonly dtype: D;
  readonly shape: Shape4D;
  /** In elements; C order when left out. */
  readonly strides?: Strides4D;
  /** Element at (0, 0, 0, 0); 0 when left out. */
  readonly offset?: number;
}

/** Number of elements in `shape`. */
export function sizeOf(shape: Shape4D): number {
  return shape[0] * shape[1] * shape[2] * shape[3];
}

/** Strides, in elements, of a dense array of `shape` in `order`. */
export function stridesOf(shape: Shape4D, order: MemoryOrder = "C"): Strides4D {
  const [c, i, j, k] = shape;
  return order === "C" ? [i * j * k, j * k, k, 1] : [1, c, c * i, c * i * j];
}

/** The lowest and the highest element that a strided view touches. */
export function extentOf(shape: Shape4D, strides: Strides4D, offset: number): [first: number, last: number] {
  const end = (bound: typeof Math.max) =>
    shape.reduce((sum, size, axis) => sum + bound(0, (size - 1) * strides[axis]!), offset);
  return [end(Math.min), end(Math.max)];
}

/**
 * A four-dimensional strided view of a typed array, always (C, I, J, K).
 *
 * Strides and offset count elements; a complex element is two neighbouring entries of `data` (real, imaginary).
 */
export class Tensor<D extends DType = DType> {
  declare readonly data: DataOf<D>;
  declare readonly dtype: D;
  declare readonly shape: Shape4D;
  declare readonly strides: Strides4D;
  declare readonly offset: number;

  /**
   * @throws LazyImageError `ERR_INVALID_ARGUMENT` when the shape is not four sizes, the array is not the one that holds
   * `dtype`, or an element would lie outside of it.
   */
  constructor({ data, dtype, shape = [] as never, strides = stridesOf(shape), offset = 0 }: TensorInit<D>) {
    const { array, lanes } = DTYPES[checkDType(dtype)];
    const [first, last] = extentOf(shape, strides, offset);
    const elements = Math.floor(data?.length / lanes);
    const numbers = [...shape, ...strides, offset, first, last];
    const fits = sizeOf(shape) === 0 || (first >= 0 && last < elements);
    // By name, not instanceof: arrays may come from another realm (an iframe, node:vm).
    const found = nameOf(data);
    if (
      shape.length !== 4 ||
      numbers.length !== 11 ||
      !numbers.every(Number.isSafeInteger) ||
      Math.min(...shape) < 0 ||
      found !== array.name ||
      !fits
    ) {
      throw invalid(
        `A ${dtype} tensor of four sizes (${shape}) and strides (${strides}) needs elements ${first} to ${last} of a ${array.name}; got ${elements} of a ${found}.`,
      );
    }
    Object.assign(this, { data, dtype, shape, strides, offset });
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /**
   * One element; negative positions count from the end.
   *
   * @throws LazyImageError `ERR_INDEX` outside the tensor.
   */
  at(c: number, i: number, j: number, k: number): ScalarOf<D> {
    const { data, dtype, offset } = this.slice([c, i, j, k]);
    const value = DTYPES[dtype].lanes === 2 ? [data[2 * offset], data[2 * offset + 1]] : data[offset];
    return value as ScalarOf<D>;
  }

  /**
   * A region as a view of the same memory; an integer keeps its axis with size 1.
   *
   * @throws LazyImageError `ERR_INDEX`
   */
  slice(index: Index): Tensor<D> {
    const range = resolveIndex(index, this.shape);
    const strides = mapAxes(this.strides, (stride, axis) => stride * range[axis]!.step);
    const offset = range.reduce((sum, { start }, axis) => sum + start * this.strides[axis]!, this.offset);
    return new Tensor({ ...this, shape: shapeOf(range), strides, offset });
  }

  /** Whether elements lie densely in `order`, beginning at `offset`. */
  isContiguous(order: MemoryOrder = "C"): boolean {
    const dense = stridesOf(this.shape, order);
    return (
      this.size === 0 || this.shape.every((size, axis) => size === 1 || this.strides[axis] === dense[axis])
    );
  }

  /** Itself when it is already dense in `order` and fills its array, otherwise a copy that is. */
  contiguous(order: MemoryOrder = "C"): Tensor<D> {
    const fills = this.offset === 0 && this.data.length === this.size * DTYPES[this.dtype].lanes;
    return fills && this.isContiguous(order)
      ? new Tensor({ ...this, strides: stridesOf(this.shape, order) })
      : this.copy(order);
  }

  /** A copy in memory of its own, dense in `order`. */
  copy(order: MemoryOrder = "C"): Tensor<D> {
    const data = allocate(this.dtype, this.size);
    const result = new Tensor({ ...this, data, strides: stridesOf(this.shape, order), offset: 0 });
    this.copyTo(result);
    return result;
  }

  /**
   * Copies every element into `target`, of the same dtype and shape.
   *
   * @throws LazyImageError `ERR_INVALID_ARGUMENT` when dtype or shape differ.
   */
  copyTo(target: Tensor<D>): void {
    const [from, to] = [this, target].map(({ dtype, shape }) => `${dtype} (${shape})`);
    if (from !== to) throw invalid(`Cannot copy ${from} into ${to}; dtype and shape must be equal.`);
    stridedCopy(this, target, this.shape)();
  }

  /** The same values as `dtype`, by the rules of numpy's `astype`; itself when nothing changes. */
  astype<E extends DType>(dtype: E): Tensor<E> {
    if ((dtype as DType) === this.dtype) return this as unknown as Tensor<E>;
    return convert(this as Tensor, checkDType(dtype));
  }

  /** As zarrita's chunk: `{ data, shape, stride }`, C order. */
  toZarrChunk(): { data: DataOf<D>; shape: number[]; stride: number[] } {
    const { data, shape, strides } = this.contiguous();
    return { data, shape: [...shape], stride: [...strides] };
  }
}

/** Whether `value` has the shape of a `Tensor` (of any copy of core). */
export function isTensor(value: unknown): value is Tensor {
  return hasMembers(value, "function", "astype", "copyTo") && isDType((value as Tensor).dtype);
}
