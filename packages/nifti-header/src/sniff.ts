/** Bytes from the start of a file that always hold a whole header (540 at most) and, mostly, its extensions too. */
export const NIFTI_PROBE_BYTES = 4096;

/** `sizeof_hdr` of each version, which is also the header's size. */
export const HEADER_BYTES = { 1: 348, 2: 540 } as const;

/** What the first bytes of a file tell. */
export interface NiftiSignature {
  readonly version: 1 | 2;
  readonly littleEndian: boolean;
  /** Header and voxels in one file (`n+1`, `n+2`), or in a pair (`ni1`, `ni2`). */
  readonly singleFile: boolean;
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Whether the first four bytes are `sizeof_hdr` of `version`, in either byte order. */
export function hasSizeOf(bytes: Uint8Array, version: 1 | 2): boolean {
  if (bytes.length < 4) return false;
  const view = viewOf(bytes);
  return [true, false].some((order) => view.getInt32(0, order) === HEADER_BYTES[version]);
}

/**
 * The byte order, as nibabel decides: the one in which `dim[0]` is from 1 to 7. When none is, `sizeof_hdr` decides, so
 * that the error about `dim[0]` shows a sensible number.
 */
function isLittleEndian(bytes: Uint8Array, version: 1 | 2): boolean {
  const view = viewOf(bytes);
  const isRank = (littleEndian: boolean) => {
    const rank = version === 1 ? view.getInt16(40, littleEndian) : Number(view.getBigInt64(16, littleEndian));
    return rank >= 1 && rank <= 7;
  };
  return isRank(true) || (!isRank(false) && view.getInt32(0, true) === HEADER_BYTES[version]);
}

/**
 * Recognises a NIfTI header by its magic (`n+1\0` or `ni1\0` at byte 344, `n+2\0` or `ni2\0` at byte 4); null when
 * `bytes` are not the start of one, or too few. A NIfTI-1 header with a wrong `sizeof_hdr` is one, as for nibabel.
 */
export function sniffNifti(bytes: Uint8Array): NiftiSignature | null {
  for (const version of [1, 2] as const) {
    if (bytes.length < HEADER_BYTES[version]) continue;
    const at = version === 1 ? 344 : 4;
    const magic = String.fromCharCode(...bytes.subarray(at, at + 4));
    const singleFile = magic === `n+${version}\0`;
    if (!singleFile && magic !== `ni${version}\0`) continue;
    if (version === 2 && !hasSizeOf(bytes, 2)) continue;
    return { version, littleEndian: isLittleEndian(bytes, version), singleFile };
  }
  return null;
}
