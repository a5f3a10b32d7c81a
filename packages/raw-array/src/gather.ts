import { type DataOf, DTYPES, type DType, stridedCopy, type Tensor } from "@lazyimg/core";
import type { DiskAxis } from "./layout.js";

/** Stands for an axis that a span doesn't have. */
const SINGLE: DiskAxis = { axis: 0, size: 1, distance: 0 };

/** Where a span's elements go in the target. */
export interface GatherTarget {
  readonly tensor: Tensor;
  /** Element of the target that the span's first one becomes. */
  readonly offset: number;
}

/** Elements as they lie in `bytes` from byte `from` on, as a typed array; bytes that are not aligned are copied. */
function typedView(bytes: Uint8Array, from: number, length: number, dtype: DType): DataOf {
  const { array, lanes, itemSize } = DTYPES[dtype];
  const aligned = (bytes.byteOffset + from) % array.BYTES_PER_ELEMENT === 0;
  const view = aligned ? bytes.subarray(from, from + length) : bytes.slice(from, from + length);
  return new array(view.buffer, view.byteOffset, Math.floor(length / itemSize) * lanes);
}

/** Elements of a row, rows of a plane, planes. */
type Box = readonly [elements: number, rows: number, planes: number];

/**
 * Picks the elements of one span out of bytes that arrive piece by piece, in order, and puts them where they belong.
 *
 * Works in the largest boxes that are all there; what a piece cuts through is taken up to the last whole element, and of
 * a cut element the bytes wait for the next piece.
 */
export class SpanGatherer {
  /** Fastest on disk first: elements of a row, rows of a plane, planes, volumes. */
  readonly #axes: readonly [DiskAxis, DiskAxis, DiskAxis, DiskAxis];
  readonly #target: GatherTarget;
  readonly #dtype: DType;
  readonly #itemSize: number;
  /** Position of the next element along each of the axes. */
  readonly #position: [number, number, number, number] = [0, 0, 0, 0];
  /** Bytes of the span passed so far. */
  #passed = 0;
  /** The beginning of an element that a piece cut through. */
  readonly #carry: Uint8Array;
  #carried = 0;
  #done = false;

  /** @param axes the span's axes, fastest first; at most four */
  constructor(axes: readonly DiskAxis[], target: GatherTarget) {
    this.#dtype = target.tensor.dtype;
    this.#itemSize = DTYPES[this.#dtype].itemSize;
    this.#axes = [axes[0] ?? SINGLE, axes[1] ?? SINGLE, axes[2] ?? SINGLE, axes[3] ?? SINGLE];
    this.#target = target;
    this.#carry = new Uint8Array(this.#itemSize);
  }

  /** Takes the next bytes of the span. */
  push(piece: Uint8Array): void {
    const begin = this.#passed;
    const end = begin + piece.length;
    while (!this.#done) {
      const address = this.#address();
      if (this.#carried > 0) {
        const missing = piece.subarray(0, address + this.#itemSize - begin);
        this.#carry.set(missing, this.#carried);
        this.#carried += missing.length;
        if (this.#carried < this.#itemSize) break;
        this.#carried = 0;
        this.#take(this.#carry, 0, [1, 1, 1]);
      } else if (address + this.#itemSize > end) {
        if (address < end) {
          this.#carry.set(piece.subarray(address - begin));
          this.#carried = end - address;
        }
        break;
      } else {
        this.#take(piece, address - begin, this.#whole(address, end));
      }
    }
    this.#passed = end;
  }

  /** Byte of the next element, from the span's beginning. */
  #address(): number {
    return this.#axes.reduce((sum, { distance }, n) => sum + distance * this.#position[n]!, 0);
  }

  /** The largest box from the position on that lies before byte `end`: part of a row, whole rows, or whole planes. */
  #whole(address: number, end: number): Box {
    const [element, row, plane] = this.#axes;
    const [n, m] = this.#position;
    const fit = ({ size, distance }: DiskAxis, done: number, bytes: number) =>
      size === 1 ? 1 : Math.min(size - done, Math.floor((end - address - bytes) / distance) + 1);
    const rowBytes = (element.size - 1) * element.distance + this.#itemSize;
    if (n > 0 || address + rowBytes > end) return [fit(element, n, this.#itemSize), 1, 1];
    const planeBytes = (row.size - 1) * row.distance + rowBytes;
    if (m > 0 || address + planeBytes > end) return [element.size, fit(row, m, rowBytes), 1];
    return [element.size, row.size, fit(plane, this.#position[2], planeBytes)];
  }

  /** Copies a box whose first element is at `bytes[from]`, and moves the position behind it. */
  #take(bytes: Uint8Array, from: number, box: Box): void {
    const axes = this.#axes;
    const position = this.#position;
    const { tensor, offset } = this.#target;
    const length = box.reduce((sum, size, n) => sum + (size - 1) * axes[n]!.distance, this.#itemSize);
    stridedCopy(
      {
        data: typedView(bytes, from, length, this.#dtype),
        dtype: this.#dtype,
        strides: [0, axes[2].distance, axes[1].distance, axes[0].distance].map(
          (bytes) => bytes / this.#itemSize,
        ),
        offset: 0,
      },
      {
        data: tensor.data,
        dtype: this.#dtype,
        strides: [
          0,
          tensor.strides[axes[2].axis]!,
          tensor.strides[axes[1].axis]!,
          tensor.strides[axes[0].axis]!,
        ],
        offset: axes.reduce((sum, { axis }, n) => sum + position[n]! * tensor.strides[axis]!, offset),
      },
      [1, box[2], box[1], box[0]],
    )();
    // Step along the slowest axis of the box; what is full starts again and carries over.
    const slowest = box[2] > 1 ? 2 : box[1] > 1 ? 1 : 0;
    position[slowest] += box[slowest];
    for (let n = slowest; n < 4 && position[n]! === axes[n]!.size; n++) {
      position[n] = 0;
      if (n === 3) this.#done = true;
      else position[n + 1]!++;
    }
  }
}
