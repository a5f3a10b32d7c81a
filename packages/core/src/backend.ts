import type { Affine } from "./affine.js";
import type { DataOf, DType } from "./dtype.js";
import type { Index } from "./indexing.js";
import { hasMembers } from "./structure.js";
import type { Shape4D, Tensor } from "./tensor.js";

/** Options of one read. */
export interface ReadOptions<D extends DType = DType> {
  /** Aborts this read alone; it rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Told as bytes arrive from the source. */
  readonly onProgress?: ((done: { bytes: number; totalBytes: number }) => void) | undefined;
  /** Apply the file's scaling (NIfTI's scl_slope and scl_inter). Default: true. */
  readonly scaled?: boolean | undefined;
  /** Convert while reading, by the rules of numpy's `astype`. Default: `valueDtype` when scaled, `dtype` when not. */
  readonly dtype?: D | undefined;
  /** Read into this array (a SharedArrayBuffer's too), which is filled in C order and becomes the result's data. */
  readonly out?: DataOf<D> | undefined;
}

/** What a read will cost, told before any I/O. */
export interface ReadPlan {
  /** Reads from the source (requests, over HTTP). */
  readonly requests: number;
  /** Bytes read from the source. */
  readonly bytes: number;
  /** Bytes of the result. */
  readonly outputBytes: number;
  /** Most bytes of memory held at once, the result included. */
  readonly peakBytes: number;
}

/** One level of a pyramid. */
export interface LevelInfo {
  readonly shape: Shape4D;
  readonly affine: Affine;
  /** Millimetres along I, J, K. */
  readonly spacing: readonly [number, number, number];
  /** Bytes of the level's voxels, uncompressed. */
  readonly bytes: number;
}

/** Where a backend's affine came from. */
export type AffineSource = "sform" | "qform" | "base" | "ome" | "override" | (string & {});

/**
 * Lazy access to one image, whatever its format: the protocol. Recognised by structure, never by `instanceof`.
 *
 * Metadata are plain properties, known since the header was read at opening; voxels are read when asked for.
 */
export interface ImageDataBackend {
  /** (C, I, J, K). */
  readonly shape: Shape4D;
  /** Voxel to world, RAS+ millimetres. */
  readonly affine: Affine;
  /** The data type on disk. */
  readonly dtype: DType;
  /**
   * Reads one region. Always 4D: an integer keeps its axis with size 1. Strides are those that the format finds natural;
   * `contiguous()` gives C order. The result is the caller's own memory.
   *
   * @throws LazyImageError `ERR_INDEX`, `ERR_INVALID_ARGUMENT`, `ERR_CLOSED`, and what the source and format throw.
   */
  read<D extends DType = DType>(index?: Index, options?: ReadOptions<D>): Promise<Tensor<D>>;
  /** Reads everything, in memory that nobody else holds. */
  toTensor<D extends DType = DType>(options?: ReadOptions<D>): Promise<Tensor<D>>;
  readonly affineSource?: AffineSource | undefined;
  /** What `read()` gives when that differs from `dtype`: "float64" for scaled integers. */
  readonly valueDtype?: DType | undefined;
  /** The format's own header fields. */
  readonly header?: unknown;
  /** The levels of a pyramid, finest first. */
  readonly levels?: readonly LevelInfo[] | undefined;
  /** What `read` with the same arguments will cost; does no I/O. */
  explain?(index?: Index, options?: ReadOptions): ReadPlan;
  /** Releases files and caches. Reads after it reject with `ERR_CLOSED`. */
  close?(): Promise<void>;
}

/** Whether `value` follows the backend protocol. */
export function isImageDataBackend(value: unknown): value is ImageDataBackend {
  const { shape, affine } = (value ?? {}) as Partial<ImageDataBackend>;
  return (
    hasMembers(value, "function", "read", "toTensor") &&
    hasMembers(value, "string", "dtype") &&
    shape?.length === 4 &&
    affine?.length === 16
  );
}
