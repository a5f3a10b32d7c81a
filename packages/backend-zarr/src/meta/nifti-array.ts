import { LazyImageError } from "@lazyimg/core";
import {
  type NiftiExtension,
  type NiftiHeader,
  parseExtensions,
  parseNiftiHeader,
  sniffNifti,
} from "@lazyimg/nifti-header";
import type { ArraySpec } from "./array-spec.js";

/** A NIfTI header and extensions are at most this large: more is no header. */
const MAX_HEADER = 64 << 20;

/** The header of a NIfTI-Zarr image. */
export interface ZarrNiftiHeader extends NiftiHeader {
  /** The bytes of the `nifti` array as they are: the header and, where they were written, its extensions. */
  readonly bytes: Uint8Array;
  /** The extensions behind the header, as those of a NIfTI file. */
  readExtensions(): Promise<readonly NiftiExtension[]>;
}

/**
 * Checks that an array can be the `nifti` one: bytes, or strings of bytes, in one line.
 *
 * @throws LazyImageError `ERR_CORRUPT`
 */
export function checkNiftiArray({ shape, type, prefix }: ArraySpec): void {
  const elements = shape.reduce((product, size) => product * size, type.itemSize);
  if (shape.length > 1 || type.dtype !== "uint8" || elements > MAX_HEADER) {
    throw new LazyImageError(
      "ERR_CORRUPT",
      `Zarr array ${prefix} is ${type.name} of shape (${shape}); a NIfTI header is one line of at most ${MAX_HEADER} bytes`,
    );
  }
}

/**
 * Parses the binary header. `vox_offset` says nothing here, because voxels are in chunks: writers leave it 0.
 *
 * @throws LazyImageError as `parseNiftiHeader`
 */
export function parseNiftiArray(bytes: Uint8Array, name: string): ZarrNiftiHeader {
  const header = bytes.slice();
  const signature = sniffNifti(header);
  if (signature !== null) {
    const view = new DataView(header.buffer);
    if (signature.version === 2) view.setBigInt64(168, 544n, signature.littleEndian);
    else view.setFloat32(108, 352, signature.littleEndian);
  }
  const parsed = parseNiftiHeader(header, { name: `${name}/nifti` });
  return {
    ...parsed,
    stored: bytes.slice(0, parsed.stored.length),
    bytes,
    async readExtensions() {
      const begin = parsed.headerBytes + 4;
      return parsed.hasExtensions ? parseExtensions(bytes.subarray(begin), parsed.littleEndian) : [];
    },
  };
}

/**
 * Checks that the header describes the array.
 *
 * @param shape (T, C, I, J, K) sizes of the array
 * @throws LazyImageError `ERR_CORRUPT` that names both
 */
export function checkHeader(
  header: NiftiHeader,
  { type, prefix }: ArraySpec,
  sizes: {
    readonly i: number;
    readonly j: number;
    readonly k: number;
    readonly t: number;
    readonly c: number;
  },
): void {
  const [i = 1, j = 1, k = 1, t = 1, c = 1, ...more] = header.shape;
  const same = i === sizes.i && j === sizes.j && k === sizes.k && t === sizes.t && c === sizes.c;
  if (!same || more.some((size) => size !== 1)) {
    throw new LazyImageError(
      "ERR_CORRUPT",
      `The NIfTI header says (${header.shape}), but array ${prefix} has x, y, z, t, c of (${Object.values(sizes)})`,
    );
  }
  if (header.dtype !== type.dtype || header.samples !== type.samples) {
    throw new LazyImageError(
      "ERR_CORRUPT",
      `The NIfTI header says ${header.samples > 1 ? `${header.samples} x ` : ""}${header.dtype}, but array ${prefix} is ${type.name}`,
    );
  }
}
