import { type NiftiHeader, parseNiftiHeader } from "./header.js";
import { HEADER_BYTES } from "./sniff.js";

/** Bytes between header and voxels that nobody announced: more is not kept, so that no header asks for gigabytes of zeros. */
const MOST_PADDING = 65_536;

/** Fields that may differ: what tells where the voxels are, not what they are. */
const PLACE: ReadonlySet<string> = new Set(["stored", "voxOffset", "singleFile", "hasExtensions"]);

/**
 * Everything before the voxels of a single file, with a header's bytes as they were stored: but for `vox_offset` and
 * `magic` where those say that the voxels are elsewhere.
 *
 * @param tail the encoded extensions
 * @returns `undefined` where fields were changed since the header was parsed, or are no plain NIfTI (FreeSurfer's long
 * vectors)
 */
export function storedHeader(header: NiftiHeader, tail: Uint8Array): Uint8Array | undefined {
  const { stored, version, littleEndian } = header;
  if (stored === undefined || header.shape.some((size, axis) => size !== header.dim[axis + 1])) return;
  const begin = HEADER_BYTES[version] + 4;
  const least = begin + tail.length;
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  const found =
    version === 1 ? view.getFloat32(108, littleEndian) : Number(view.getBigInt64(168, littleEndian));
  const keeps = header.singleFile && found >= least && found <= least + MOST_PADDING;
  const bytes = new Uint8Array(keeps ? Math.trunc(found) : least);
  bytes.set(stored);
  bytes.set(tail, begin);
  if (tail.length > 0) bytes[begin - 4] ||= 1;
  if (!keeps) {
    const own = new DataView(bytes.buffer);
    if (version === 1) own.setFloat32(108, least, littleEndian);
    else own.setBigInt64(168, BigInt(least), littleEndian);
    bytes[(version === 1 ? 344 : 4) + 1] = 0x2b; // "n+1", "n+2"
  }
  const affine = header.affineSource === "override" ? header.affine : undefined;
  const parsed = parseNiftiHeader(bytes, { affine });
  const same = (Object.keys(parsed) as (keyof NiftiHeader)[]).every(
    (field) => PLACE.has(field) || JSON.stringify(parsed[field]) === JSON.stringify(header[field]),
  );
  return same ? bytes : undefined;
}
