import { type Affine, type DType, type ImageDataBackend, isTensor, type Tensor } from "@lazyimg/core";
import type { Counter } from "./counter.js";

/** A freshly opened image, and what an independent oracle says is in it. */
export interface Subject {
  readonly backend: ImageDataBackend;
  /** Every voxel, as `read()` gives them by default: scaled, when the file has a scaling. */
  readonly expected: Tensor;
  /** Voxel to world, row-major: 16 numbers. */
  readonly affine: Affine;
  /** Every voxel as it is stored. Left out where nothing is scaled. */
  readonly stored?: Tensor | undefined;
  /** What `backend.dtype` must be. Default: that of `stored`, or of `expected`. */
  readonly dtype?: DType | undefined;
  /**
   * What the backend reads from. Whatever does I/O has a counter, by which the suite counts bytes and holds reads up. An image
   * in memory has the tensor that its voxels come from: the suite writes to it, and what is read must show that.
   */
  readonly source: Counter | Tensor;
  /** Most bytes that opening may read from `source`; less than its size. Default: 4096. */
  readonly openBytes?: number | undefined;
  /** Removes what `create` made besides the backend: files, servers. The suite closes the backend itself. */
  cleanup?(): Promise<void> | void;
}

/**
 * What a backend can do beyond the least. Each is asserted both ways: a backend that lacks what is declared fails, and so
 * does one that has what is declared missing.
 */
export interface Capabilities {
  /** Has `close()`, and rejects with `ERR_CLOSED` after it. Default: true. */
  readonly close?: boolean;
  /**
   * Has `explain()`, which tells what reads cost at most. "estimate": what was never read is a guess, as inside gzip. Then a
   * first read takes no more than the whole source, and once all was read, none takes more than it is told. Default: true.
   */
  readonly explain?: boolean | "estimate";
  /**
   * An abort reaches the source: a read rejects at once, without waiting for the bytes that it asked for. A read that is
   * aborted rejects with the signal's reason in any case. Default: true.
   */
  readonly abort?: boolean;
  /** Opening reads all of the source, and nothing is read later: of a format that others decode. Default: false. */
  readonly eager?: boolean;
  /** `read()` gives views of memory that the backend keeps, as a backend over a tensor does. Default: false. */
  readonly views?: boolean;
}

/** The counter of a subject that does I/O. */
export function counterOf({ source }: Subject): Counter | undefined {
  return isTensor(source) ? undefined : source;
}

/** One rule of the contract. */
export interface Rule {
  readonly name: string;
  readonly run: (subject: Subject, supports: Required<Capabilities>) => Promise<void> | void;
}
