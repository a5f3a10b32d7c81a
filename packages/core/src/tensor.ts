import { convert } from "./convert.js";
import { copyStrided } from "./copy.js";
import { allocate, type DataOf, DTYPES, type DType, isDType, type ScalarOf } from "./dtype.js";
import { LazyImageError } from "./errors.js";
import { type Index, resolveIndex, shapeOf } from "./indexing.js";

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

/**
 * A four-dimensional strided view of a typed array, always (C, I, J, K).
 *
 * Strides and offset count elements; a complex element is two neighbouring entries of `data` (real, imaginary).
 */
export class Tensor<D extends DType = DType> {
  readonly data: DataOf<D>;
  readonly dtype: D;
  readonly shape: Shape4D;
  readonly strides: Strides4D;
  readonly offset: number;

  /**
   * @throws LazyImageError `ERR_INVALID_ARGUMENT` when the shape is not four sizes, the array is not the one that holds
   * `dtype`, or an element would lie outside of it.
   */
  constructor({ data, dtype, shape, strides = stridesOf(shape ?? []), offset = 0 }: TensorInit<D>) {
    check(data, dtype, shape, strides, offset);
    this.data = data;
    this.dtype = dtype;
    this.shape = shape;
    this.strides = strides;
    this.offset = offset;
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
    const { data, strides, offset } = this;
    const position = resolveIndex([c, i, j, k], this.shape).reduce(
      (sum, { start }, axis) => sum + start * strides[axis]!,
      offset,
    );
    const value =
      DTYPES[this.dtype].lanes === 2 ? [data[2 * position]!, data[2 * position + 1]!] : data[position]!;
    return value as ScalarOf<D>;
  }

  /**
   * A region as a view of the same memory; an integer keeps its axis with size 1.
   *
   * @throws LazyImageError `ERR_INDEX`
   */
  slice(index: Index): Tensor<D> {
    const range = resolveIndex(index, this.shape);
    const { data, dtype, strides } = this;
    return new Tensor({
      data,
      dtype,
      shape: shapeOf(range),
      strides: range.map(({ step }, axis) => step * strides[axis]!) as unknown as Strides4D,
      offset: range.reduce((sum, { start }, axis) => sum + start * strides[axis]!, this.offset),
    });
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
    const length = this.size * DTYPES[this.dtype].lanes;
    if (this.offset === 0 && this.data.length === length && this.isContiguous(order)) {
      return new Tensor({
        data: this.data,
        dtype: this.dtype,
        shape: this.shape,
        strides: stridesOf(this.shape, order),
      });
    }
    return this.copy(order);
  }

  /** A copy in memory of its own, dense in `order`. */
  copy(order: MemoryOrder = "C"): Tensor<D> {
    const { dtype, shape } = this;
    const strides = stridesOf(shape, order);
    const result = new Tensor({ data: allocate(dtype, this.size), dtype, shape, strides });
    this.copyTo(result);
    return result;
  }

  /**
   * Copies every element into `target`, of the same dtype and shape.
   *
   * @throws LazyImageError `ERR_INVALID_ARGUMENT` when dtype or shape differ.
   */
  copyTo(target: Tensor<D>): void {
    if (target.dtype !== this.dtype || target.shape.some((size, axis) => size !== this.shape[axis])) {
      throw new LazyImageError(
        "ERR_INVALID_ARGUMENT",
        `Cannot copy ${this.dtype} (${this.shape}) into ${target.dtype} (${target.shape}); dtype and shape must be equal.`,
      );
    }
    copyStrided(this, target, this.shape);
  }

  /** The same values as `dtype`, by the rules of numpy's `astype`; itself when nothing changes. */
  astype<E extends DType>(dtype: E): Tensor<E> {
    if ((dtype as DType) === this.dtype) return this as unknown as Tensor<E>;
    if (!isDType(dtype)) throw unknownDType(dtype);
    return convert(this as Tensor, dtype);
  }

  /** As zarrita's chunk: `{ data, shape, stride }`, C order. */
  toZarrChunk(): { data: DataOf<D>; shape: number[]; stride: number[] } {
    const { data, shape, strides } = this.contiguous("C");
    return { data, shape: [...shape], stride: [...strides] };
  }
}

/** The error for a data type that is none of core's. */
export function unknownDType(dtype: unknown): LazyImageError {
  return new LazyImageError(
    "ERR_UNSUPPORTED_DTYPE",
    `Data type ${String(dtype)} is not known; use one of ${Object.keys(DTYPES).join(", ")}.`,
  );
}

function check(data: DataOf, dtype: DType, shape: Shape4D, strides: Strides4D, offset: number): void {
  const fail = (what: string) => new LazyImageError("ERR_INVALID_ARGUMENT", what);
  if (!isDType(dtype)) throw unknownDType(dtype);
  if (shape?.length !== 4 || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw fail(`A tensor's shape is four sizes (C, I, J, K), not ${JSON.stringify(shape)}.`);
  }
  const { array, lanes } = DTYPES[dtype];
  // By name, not instanceof: arrays may come from another realm (an iframe, node:vm).
  const found = Object.prototype.toString.call(data).slice(8, -1);
  if (found !== (array as unknown as { name: string }).name) {
    throw fail(
      `${dtype} elements live in a ${(array as unknown as { name: string }).name}, not in ${found}.`,
    );
  }
  let first = offset;
  let last = offset;
  for (let axis = 0; axis < 4; axis++) {
    const reach = (shape[axis]! - 1) * strides[axis]!;
    if (reach < 0) first += reach;
    else last += reach;
  }
  const elements = Math.floor(data.length / lanes);
  const places = [...strides, offset, first, last];
  const fits = first >= 0 && last < elements && places.every(Number.isSafeInteger);
  if (strides.length !== 4 || (sizeOf(shape) > 0 && !fits)) {
    throw fail(
      `Shape (${shape}) with strides (${strides}) and offset ${offset} needs elements ${first} to ${last}, but the array has ${elements}.`,
    );
  }
}

/** Whether `value` has the shape of a `Tensor` (of any copy of core). */
export function isTensor(value: unknown): value is Tensor {
  if (typeof value !== "object" || value === null) return false;
  const tensor = value as Partial<Record<keyof Tensor, unknown>>;
  return (
    ArrayBuffer.isView(tensor.data) &&
    isDType(tensor.dtype) &&
    Array.isArray(tensor.shape) &&
    Array.isArray(tensor.strides) &&
    typeof tensor.astype === "function"
  );
}
