import { DTYPES, type DType, type Shape4D } from "@lazyimg/core";

/** numpy's name of a data type in little-endian memory: `<i2`, `|u1`, `<c8`. */
function npyDescr(dtype: DType): string {
  const { kind, itemSize } = DTYPES[dtype];
  return `${itemSize === 1 ? "|" : "<"}${kind}${itemSize}`;
}

/**
 * The header of a .npy file, version 1.0 (numpy.lib.format): the voxels follow it, in C order or with the first axis
 * fastest. Padded to a multiple of 64 bytes.
 */
export function npyHeader(dtype: DType, shape: Shape4D, fortranOrder: boolean): Uint8Array {
  const order = fortranOrder ? "True" : "False";
  const text = `{'descr': '${npyDescr(dtype)}', 'fortran_order': ${order}, 'shape': (${shape.join(", ")}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const bytes = new Uint8Array(10 + length);
  bytes.set([0x93, ...Buffer.from("NUMPY", "latin1"), 1, 0, length & 255, length >> 8]);
  bytes.set(Buffer.from(`${text.padEnd(length - 1)}\n`, "latin1"), 10);
  return bytes;
}
