import { NIFTI1, NIFTI2 } from "nifti-reader-js";
import { HEADER_BYTES, type NiftiSignature } from "./sniff.js";

/** The fields as they are stored, unchecked; numbers of either version as JavaScript numbers. */
export interface Fields {
  /** Those that nifti-reader-js reads right. */
  readonly plain: NIFTI1 | NIFTI2;
  readonly dim: readonly number[];
  readonly voxOffset: number;
  readonly sliceStart: number;
  readonly sliceEnd: number;
  /** `glmin`, where FreeSurfer keeps a long first axis; 0 in NIfTI-2, which has no such field. */
  readonly glmin: number;
  /** `srow_x`, `srow_y`, `srow_z`: 12 numbers. */
  readonly srow: readonly number[];
  readonly description: string;
  readonly auxFile: string;
  readonly intentName: string;
}

/** Where the text fields are: offset and size in bytes. */
export const TEXT_FIELDS = {
  1: { description: [148, 80], auxFile: [228, 24], intentName: [328, 16] },
  2: { description: [240, 80], auxFile: [320, 24], intentName: [508, 16] },
} as const;

const range = <T>(count: number, item: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => item(n));

/**
 * Splits a header into its fields. nifti-reader-js 0.8 does it, from a copy that ends where the header ends, because it
 * would parse extensions as well. What it does not get right is read here:
 *
 * - 64-bit integers of NIfTI-2: it swaps the halves of big-endian ones and subtracts 2 ** 64 from negative ones.
 * - `srow_*`: in NIfTI-1 it keeps them only when it prefers the sform, by a rule of its own.
 * - Text: it skips NULs and goes on, so that leftovers behind the end are appended.
 * - `glmin`: it does not read it.
 */
export function readFields(bytes: Uint8Array, { version, littleEndian }: NiftiSignature): Fields {
  const copy = new Uint8Array(bytes.subarray(0, HEADER_BYTES[version]));
  const view = new DataView(copy.buffer);
  // It tells the byte order by sizeof_hdr alone and throws where that is wrong; nibabel accepts such headers.
  view.setInt32(0, HEADER_BYTES[version], littleEndian);
  const plain = version === 1 ? new NIFTI1() : new NIFTI2();
  plain.readHeader(copy.buffer);

  const int64 = (at: number) => Number(view.getBigInt64(at, littleEndian));
  const text = ([at, size]: readonly [number, number]) => {
    const raw = copy.subarray(at, at + size);
    const end = raw.indexOf(0);
    return String.fromCharCode(...raw.subarray(0, end < 0 ? size : end));
  };
  const { description, auxFile, intentName } = TEXT_FIELDS[version];
  const old = version === 1;
  return {
    plain,
    dim: old ? plain.dims : range(8, (n) => int64(16 + 8 * n)),
    voxOffset: old ? plain.vox_offset : int64(168),
    sliceStart: old ? plain.slice_start : int64(224),
    sliceEnd: old ? plain.slice_end : int64(232),
    glmin: old ? view.getInt32(144, littleEndian) : 0,
    srow: range(12, (n) =>
      old ? view.getFloat32(280 + 4 * n, littleEndian) : view.getFloat64(400 + 8 * n, littleEndian),
    ),
    description: text(description),
    auxFile: text(auxFile),
    intentName: text(intentName),
  };
}
