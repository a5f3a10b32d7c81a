import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { bytesOf, type DataOf, DTYPES, type DType, type Shape4D, stridesOf, Tensor } from "lazyimg";

/** A .npy file as numpy.lib.format describes it, read without the code under test. */
export function readNpy(path: string): Tensor {
  const bytes = readFileSync(path);
  if (bytes.toString("latin1", 0, 8) !== "\x93NUMPY\x01\x00") throw new Error("not .npy 1.0");
  const length = bytes.readUInt16LE(8);
  if ((10 + length) % 64 !== 0) throw new Error("the header is not padded to 64 bytes");
  const header = bytes.toString("latin1", 10, 10 + length);
  const match =
    /^\{'descr': '([<|])([iufc])(\d+)', 'fortran_order': (True|False), 'shape': \((.*)\), \} *\n$/.exec(
      header,
    );
  if (match === null) throw new Error(`header ${header}`);
  const [, , kind, size, fortran, dims] = match;
  const dtype = Object.keys(DTYPES).find((name) => {
    const known = DTYPES[name as DType];
    return known.kind === kind && known.itemSize === Number(size);
  }) as DType;
  const shape = dims!.split(", ").map(Number) as unknown as Shape4D;
  const { array } = DTYPES[dtype];
  const memory = new Uint8Array(bytes.subarray(10 + length)).buffer;
  const data: DataOf = new array(memory, 0, memory.byteLength / array.BYTES_PER_ELEMENT);
  return new Tensor({ data, dtype, shape, strides: stridesOf(shape, fortran === "True" ? "F" : "C") });
}

/** The hash of the golden files: elements in C order, every NaN the canonical one. */
export function sha256Of(tensor: Tensor): string {
  const { data, dtype } = tensor.copy("C");
  if (DTYPES[dtype].kind === "f" || DTYPES[dtype].kind === "c") {
    for (const [n, value] of (data as Float64Array).entries()) if (Number.isNaN(value)) data[n] = Number.NaN;
  }
  return createHash("sha256").update(bytesOf(data)).digest("hex");
}
