import type { Affine, DType, Shape4D, Tensor } from "@lazyimg/core";

/** One level of an image's pyramid; an image without one has a single level. */
export interface Level {
  readonly shape: Shape4D;
  readonly affine: Affine;
}

/** What is known of an image once it is open. */
export interface ImageInfo {
  readonly name: string;
  /** Finest first. */
  readonly levels: readonly Level[];
  readonly dtype: DType;
  /** What values are once the file's scaling is applied. */
  readonly valueDtype: DType;
  /** Whether channels are colours: three or four of 8 bits. */
  readonly isColour: boolean;
  /** The window that the file asks for (NIfTI's cal_min and cal_max). */
  readonly window: readonly [low: number, high: number] | null;
  /** What a plane through the middle across I, J and K costs, in bytes, requests included; infinite where nobody knows. */
  readonly costs: readonly [i: number, j: number, k: number];
  /** Whether such a plane takes so long that a coarse one is wanted first. */
  readonly slow: readonly boolean[];
}

/** How much may be read for a plane: what takes a second, what is read unasked, or all that it takes. */
export type Effort = "quick" | "unasked" | "all";

/** A plane to be read: a grid of points in an image. */
export interface PlaneRequest {
  readonly level: number;
  readonly width: number;
  readonly height: number;
  /** Takes (x, y, 1) to the voxel (i, j, k) of the level; three rows of three. The nearest voxel is taken. */
  readonly toVoxel: readonly number[];
  /** The voxel axis that the plane lies across (0, 1, 2); `null` for a plane along no axes of the image. */
  readonly across: number | null;
  /** `null` for all channels: colours. */
  readonly channel: number | null;
  readonly effort: Effort;
  /** How often it was asked for already: each round may read more than the one before. */
  readonly round?: number;
}

/** The values of a plane, row by row; colours are interleaved. Zero outside of the image. */
export interface PlaneData {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Tensor["data"];
  /** Bytes that all of it would take, where that is more than is read unasked: this is every so manieth row or column. */
  readonly costly?: number;
  /** Whether the next round has more: this is every so manieth row or column. */
  readonly more?: true;
}

/** Given instead of a plane that takes more bytes than are read unasked. */
export interface Costly {
  readonly costly: number;
}

/** What has been read so far. */
export interface TrafficCounts {
  readonly bytes: number;
  readonly requests: number;
  /** Bytes of the files that were read from; `null` where that is not known. */
  readonly total: number | null;
  /** Bytes of voxels that are kept. */
  readonly cached: number;
}

/** The value of a voxel: one number for each channel, of complex ones real and imaginary part. */
export type VoxelValue = number | bigint | readonly [real: number, imaginary: number];
