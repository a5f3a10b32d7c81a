import { bytesOf, type DType, type Tensor } from "@lazyimg/core";
import { swapBytes } from "@lazyimg/raw-array";
import type { Volume } from "@lazyimg/testkit";

/** Fields as the text of a header. */
export function headerText(fields: Readonly<Record<string, unknown>>): string {
  return ["NRRD0005", ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`), "", ""].join(
    "\n",
  );
}

const TYPES: Partial<Record<DType, string>> = { float32: "float", float64: "double" };

/** The fields of a volume with its channels last, whose affine has few bits. */
export function fieldsOf({ tensor, affine }: Volume, littleEndian = true): Record<string, unknown> {
  const [c, i, j, k] = tensor.shape;
  const column = (n: number): string => `(${affine[n]},${affine[n + 4]},${affine[n + 8]})`;
  return {
    type: TYPES[tensor.dtype] ?? tensor.dtype,
    dimension: 4,
    sizes: `${i} ${j} ${k} ${c}`,
    space: "right-anterior-superior",
    kinds: "domain domain domain list",
    endian: littleEndian ? "little" : "big",
    encoding: "raw",
    "space directions": `${column(0)} ${column(1)} ${column(2)} none`,
    "space origin": column(3),
  };
}

/** The voxels as they lie on disk: I fastest, then J, K and C. */
export function voxelsOf(tensor: Tensor, littleEndian = true): Uint8Array {
  const [c, i, j, k] = tensor.shape;
  const { data } = tensor.copy("C");
  const voxels = data.slice();
  const lanes = data.length / tensor.size;
  let n = 0;
  for (let channel = 0; channel < c; channel++)
    for (let z = 0; z < k; z++)
      for (let y = 0; y < j; y++)
        for (let x = 0; x < i; x++) {
          const from = (((channel * i + x) * j + y) * k + z) * lanes;
          for (let lane = 0; lane < lanes; lane++) voxels[n++] = data[from + lane]!;
        }
  if (!littleEndian && voxels.BYTES_PER_ELEMENT > 1) swapBytes(voxels);
  return bytesOf(voxels);
}
