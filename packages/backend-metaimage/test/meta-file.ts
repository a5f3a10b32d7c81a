import { bytesOf, type DType, type Tensor } from "@lazyimg/core";
import { swapBytes } from "@lazyimg/raw-array";
import type { Volume } from "@lazyimg/testkit";

const TYPES: Record<string, string> = {
  int8: "CHAR",
  uint8: "UCHAR",
  int16: "SHORT",
  uint16: "USHORT",
  int32: "INT",
  uint32: "UINT",
  int64: "LONG_LONG",
  uint64: "ULONG_LONG",
  float32: "FLOAT",
  float64: "DOUBLE",
} satisfies Partial<Record<DType, string>>;

/** The tags of a volume whose affine has few bits, apart from ElementDataFile. */
export function tagsOf({ tensor, affine }: Volume, littleEndian = true): Record<string, unknown> {
  const [channels, ...sizes] = tensor.shape;
  // LPS+: x and y change their sign.
  const column = (n: number): number[] => [-affine[n]!, -affine[n + 4]!, affine[n + 8]!];
  return {
    ObjectType: "Image",
    NDims: 3,
    BinaryData: "True",
    BinaryDataByteOrderMSB: littleEndian ? "False" : "True",
    TransformMatrix: [...column(0), ...column(1), ...column(2)].join(" "),
    Offset: column(3).join(" "),
    DimSize: sizes.join(" "),
    ElementNumberOfChannels: channels,
    ElementType: `MET_${TYPES[tensor.dtype]}`,
  };
}

/** Tags as the text of a header. */
export function headerText(tags: Readonly<Record<string, unknown>>, dataFile = "LOCAL"): string {
  const lines = Object.entries({ ...tags, ElementDataFile: dataFile }).filter(
    ([, value]) => value !== undefined,
  );
  return lines.map(([name, value]) => `${name} = ${value}\n`).join("");
}

/** The voxels as they lie on disk: channels fastest, then I, J and K. */
export function voxelsOf(tensor: Tensor, littleEndian = true): Uint8Array {
  const [c, i, j, k] = tensor.shape;
  const { data } = tensor.copy("C");
  const voxels = data.slice();
  let n = 0;
  for (let z = 0; z < k; z++)
    for (let y = 0; y < j; y++)
      for (let x = 0; x < i; x++)
        for (let channel = 0; channel < c; channel++)
          voxels[n++] = data[((channel * i + x) * j + y) * k + z]!;
  if (!littleEndian && voxels.BYTES_PER_ELEMENT > 1) swapBytes(voxels);
  return bytesOf(voxels);
}
