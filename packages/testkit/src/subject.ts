import type { Affine, DType, ImageDataBackend, Tensor } from "@lazyimg/core";
import type { CountingSource } from "./counting-source.js";

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
  /** The source that the backend reads from, so that the suite counts bytes and holds reads up; see `supports.source`. */
  readonly source?: CountingSource | undefined;
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
  /** Has `explain()`, which tells what reads cost. Default: true. */
  readonly explain?: boolean;
  /**
   * An abort reaches the source: a read rejects at once, without waiting for the bytes that it asked for. Shown with a
   * `source`. A read that is aborted rejects with the signal's reason in any case. Default: true.
   */
  readonly abort?: boolean;
  /**
   * The subject has its `source`. Without one nobody sees whether opening is lazy and whether aborts arrive, so leaving it
   * out has to be declared: for images in memory, and for what is not read from one source, which then is counted in
   * tests of its own. Default: true.
   */
  readonly source?: boolean;
  /** `read()` gives views of memory that the backend keeps, as a backend over a tensor does. Default: false. */
  readonly views?: boolean;
}

/** One rule of the contract. */
export interface Rule {
  readonly name: string;
  readonly run: (subject: Subject, supports: Required<Capabilities>) => Promise<void> | void;
}
