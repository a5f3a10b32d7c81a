import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import {
  type Affine,
  type AffineSource,
  DTYPES,
  type DType,
  type ImageDataBackend,
  type Index,
  invertAffine,
  LazyImageError,
  type ReadOptions,
  type ReadPlan,
  resolveIndex,
  resolveWriter,
  type Shape4D,
  sizeOf,
  spacingOf,
  type Tensor,
  type Vector3,
} from "@lazyimg/core";
import { SharedWork } from "@lazyimg/core/abort";
import { applyAffine } from "./affine.js";
import { castBackend } from "./cast.js";
import { Lease } from "./lease.js";
import { loadedBackend } from "./loaded.js";
import { orientationOf, reorientation } from "./orientation.js";
import { ViewBackend } from "./view.js";

/** Options of `Image.save`; each writer documents those it takes besides. */
export interface SaveOptions {
  readonly signal?: AbortSignal | undefined;
  readonly [option: string]: unknown;
}

/**
 * A volumetric image: metadata known since it was opened, voxels read when they are asked for.
 *
 * `slice`, `toOrientation` and `to` give lazy images that share the file with this one; it is closed with the last of
 * them. Made by `openImage`.
 */
export class Image {
  #backend: ImageDataBackend;
  #lease: Lease;
  #loading: SharedWork<Tensor> | undefined;
  #loaded: Tensor | undefined;
  #closed = false;

  /** @param lease who closes the backend; left out, its caller does */
  constructor(backend: ImageDataBackend, lease: Lease = new Lease(async () => {})) {
    this.#backend = backend;
    this.#lease = lease;
  }

  /** An image in memory; its voxels are the tensor's own. */
  static fromTensor(tensor: Tensor, affine?: Affine): Image {
    const image = new Image(tensorBackend(tensor, affine));
    image.#loaded = tensor;
    return image;
  }

  /** (C, I, J, K). */
  get shape(): Shape4D {
    return this.#backend.shape;
  }

  /** (I, J, K). */
  get spatialShape(): readonly [i: number, j: number, k: number] {
    const [, i, j, k] = this.shape;
    return [i, j, k];
  }

  get numChannels(): number {
    return this.shape[0];
  }

  /** Voxel to world, RAS+ millimetres. */
  get affine(): Affine {
    return this.#backend.affine;
  }

  /** Where the affine came from: sform, qform, base, override, ... */
  get affineSource(): AffineSource | undefined {
    return this.#backend.affineSource;
  }

  /** Millimetres between voxels along I, J, K. */
  get spacing(): readonly [i: number, j: number, k: number] {
    return spacingOf(this.affine);
  }

  /** World position of voxel (0, 0, 0), millimetres. */
  get origin(): Vector3 {
    const { affine } = this;
    return [affine[3]!, affine[7]!, affine[11]!];
  }

  /**
   * Where the voxel axes point, such as "RAS" (see `orientationOf`).
   *
   * @throws LazyImageError `ERR_INVALID_ARGUMENT` when the affine is singular
   */
  get orientation(): string {
    return orientationOf(this.affine);
  }

  /** The data type on disk; `valueDtype` is what reading gives. */
  get dtype(): DType {
    return this.#backend.dtype;
  }

  /** The data type of what `read()` and `load()` give: differs from `dtype` where the file states a scaling. */
  get valueDtype(): DType {
    return this.#backend.valueDtype ?? this.dtype;
  }

  /** The format's own header fields. */
  get header(): unknown {
    return this.#backend.header;
  }

  /** Bytes that all voxels take in memory once they are loaded. */
  get memory(): number {
    return sizeOf(this.shape) * DTYPES[this.valueDtype].itemSize;
  }

  /** Whether all voxels are in memory. */
  get isLoaded(): boolean {
    return this.#loaded !== undefined;
  }

  /** The backend that the voxels come from. */
  get dataobj(): ImageDataBackend {
    return this.#backend;
  }

  /**
   * Reads a region: from the file, or from memory once `load()` has been called.
   *
   * @returns 4D, the caller's own memory (a view, for an image made from a tensor)
   * @throws LazyImageError `ERR_INDEX`, `ERR_CLOSED`, and what the backend throws
   */
  read<D extends DType = DType>(index?: Index, options?: ReadOptions<D>): Promise<Tensor<D>> {
    // Not async: a slice of a viewer's should wait for its bytes and not for one more turn.
    return this.#closed ? Promise.reject(closedError()) : this.#backend.read<D>(index, options);
  }

  /** What `read` with the same arguments will cost, where the backend can tell. No I/O. */
  explain(index?: Index, options?: ReadOptions): ReadPlan | undefined {
    return this.#open().explain?.(index, options);
  }

  /**
   * Reads all voxels, once: every call gives the same tensor, and later reads are served from it. A load that failed or
   * was aborted may be tried again.
   */
  async load(
    options: { signal?: AbortSignal; onProgress?: ReadOptions["onProgress"] } = {},
  ): Promise<Tensor> {
    const backend = this.#open();
    if (this.#loaded !== undefined) return this.#loaded;
    const { signal, onProgress } = options;
    if (this.#loading === undefined || this.#loading.abandoned) {
      const loading = new SharedWork((shared) =>
        this.#load(backend, { signal: shared, onProgress }).catch((error) => {
          // What failed may be tried again.
          if (this.#loading === loading) this.#loading = undefined;
          throw error;
        }),
      );
      this.#loading = loading;
    }
    return this.#loading.join(signal);
  }

  async #load(backend: ImageDataBackend, options: ReadOptions): Promise<Tensor> {
    const tensor = await backend.toTensor(options);
    // Unless the image was closed or its voxels were replaced meanwhile.
    if (this.#backend === backend && !this.#closed) {
      this.#loaded = tensor;
      this.#backend = loadedBackend(backend, tensor);
    }
    return tensor;
  }

  /**
   * A region as a lazy image: nothing is read. Its origin is the world position of its first voxel, and a step scales
   * its spacing.
   *
   * @throws LazyImageError `ERR_INDEX`
   */
  slice(index: Index): Image {
    return this.#derive(ViewBackend.of(this.#open(), resolveIndex(index, this.shape)));
  }

  /**
   * The same image with its axes permuted and flipped, lazily, so that they run as in `codes` ("RAS", "LPS", ...).
   *
   * @throws LazyImageError `ERR_INVALID_ARGUMENT` when `codes` is none of the 48 orientations
   */
  toOrientation(codes: string): Image {
    const { range, axes } = reorientation(this.orientation, codes, this.shape);
    return this.#derive(ViewBackend.of(this.#open(), range, axes));
  }

  /** The same image whose values are converted to `dtype` as they are read, by the rules of numpy's `astype`. */
  to(dtype: DType): Image {
    const backend = this.#open();
    return this.#derive(
      this.valueDtype === dtype && this.dtype === dtype ? backend : castBackend(backend, dtype),
    );
  }

  /** World position, in RAS+ millimetres, of a voxel (fractional ones too). */
  voxelToWorld(voxel: Vector3): [x: number, y: number, z: number] {
    return applyAffine(this.affine, voxel);
  }

  /** Voxel, fractional, at a world position in RAS+ millimetres. */
  worldToVoxel(world: Vector3): [i: number, j: number, k: number] {
    return applyAffine(invertAffine(this.affine), world);
  }

  /** Replaces the voxels by a tensor, of any shape; the affine stays. The image no longer needs its file. */
  async setData(tensor: Tensor): Promise<void> {
    const { affine } = this.#open();
    const lease = this.#lease;
    this.#lease = new Lease(async () => {});
    this.#backend = tensorBackend(tensor, affine);
    this.#loaded = tensor;
    await lease.release();
  }

  /**
   * Writes the image, region by region, with the registered writer for the destination's name.
   *
   * @throws LazyImageError `ERR_NO_WRITER` when none is registered for it, and what the writer throws
   */
  async save(destination: string, options: SaveOptions = {}): Promise<void> {
    const backend = this.#open();
    const write = resolveWriter(destination);
    if (write === null) {
      throw new LazyImageError(
        "ERR_NO_WRITER",
        `No registered writer saves to ${destination}. Import @lazyimg/backend-nifti for .nii and .nii.gz, @lazyimg/backend-zarr for .zarr.`,
      );
    }
    await write(backend, destination, options);
  }

  /** Lets go of the file. The image can't be read after it; others that share the file can. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#loaded = undefined;
    await this.#lease.release();
  }

  /** Closes the image at the end of an `await using` block, where the platform has it. */
  declare [Symbol.asyncDispose]: () => Promise<void>;

  toString(): string {
    const { shape, spacing, dtype, memory } = this;
    let orientation = "none";
    try {
      orientation = `${this.orientation}+`;
    } catch {
      // A singular affine has none; what is printed to find that out must not fail.
    }
    return [
      `Image(shape: (${shape.join(", ")})`,
      `spacing: (${spacing.map((mm) => mm.toFixed(2)).join(", ")})`,
      `orientation: ${orientation}`,
      `dtype: ${dtype}`,
      `memory: ${(memory / 2 ** 20).toFixed(1)} MiB`,
      `${this.isLoaded ? "loaded" : "not loaded"})`,
    ].join("; ");
  }

  #derive(backend: ImageDataBackend): Image {
    return new Image(backend, this.#lease.share());
  }

  #open(): ImageDataBackend {
    if (this.#closed)
      throw new LazyImageError("ERR_CLOSED", "This image was closed; open it again to use it.");
    return this.#backend;
  }
}

function closedError(): LazyImageError {
  return new LazyImageError("ERR_CLOSED", "This image was closed; open it again to use it.");
}

// Older browsers lack the symbol.
if (Symbol.asyncDispose !== undefined) Image.prototype[Symbol.asyncDispose] = Image.prototype.close;
