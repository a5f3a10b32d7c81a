import { DTYPES, type DType, type IndexItem, LazyImageError, type Tensor } from "@lazyimg/core";
import type { Image } from "@lazyimg/image";
import type { Report } from "./progress.js";

/** Letters at the edges of a plane: toward which side of the body they lie. */
export interface Edges {
  readonly left: string;
  readonly right: string;
  readonly top: string;
  readonly bottom: string;
}

/** One plane as it is looked at: rows from the top, columns from the left. */
export interface Plane {
  readonly name: "axial" | "coronal" | "sagittal";
  readonly width: number;
  readonly height: number;
  /** Millimetres between columns and between rows. */
  readonly spacing: readonly [x: number, y: number];
  readonly edges: Edges;
  /** One array of values for each channel, row by row. */
  readonly channels: readonly Float64Array[];
}

/**
 * How radiologists look at the planes: from the feet at axial ones, from the front at coronal ones, so that the patient's
 * right is on the left; sagittal ones with the face to the left. Of an image whose axes run toward L, P and I these are
 * its rows and columns as they are.
 */
const VIEW = "LPI";
const PLANES = [
  { name: "axial", across: 3, x: 1, y: 2, edges: { left: "R", right: "L", top: "A", bottom: "P" } },
  { name: "coronal", across: 2, x: 1, y: 3, edges: { left: "R", right: "L", top: "S", bottom: "I" } },
  { name: "sagittal", across: 1, x: 2, y: 3, edges: { left: "A", right: "P", top: "S", bottom: "I" } },
] as const;

/** Whether the channels are colours: three or four of 8 bits. */
export function isColour({ numChannels, dtype, valueDtype }: Image): boolean {
  return (numChannels === 3 || numChannels === 4) && dtype === "uint8" && valueDtype === "uint8";
}

/** The values of one channel, row by row; of complex ones the magnitude. */
function valuesOf(tensor: Tensor, channel: number, x: number, y: number): Float64Array {
  const { data, offset, strides, shape } = tensor;
  const lanes = DTYPES[tensor.dtype].lanes;
  const [width, height] = [shape[x]!, shape[y]!];
  const values = new Float64Array(width * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const at = lanes * (offset + channel * strides[0] + column * strides[x]! + row * strides[y]!);
      values[row * width + column] =
        lanes === 2 ? Math.hypot(Number(data[at]), Number(data[at + 1])) : Number(data[at]);
    }
  }
  return values;
}

/**
 * Reads the three orthogonal planes through the middle of an image, and nothing else.
 *
 * @param channel the channel to read, or `null` for all of them (colours)
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` when the affine is singular or there are no voxels, and what reading throws
 */
export async function readPlanes(
  image: Image,
  channel: number | null,
  { signal, report }: { readonly signal?: AbortSignal; readonly report?: Report } = {},
): Promise<Plane[]> {
  const view = image.toOrientation(VIEW);
  const { shape, spacing, valueDtype } = view;
  if (shape.includes(0)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `The image has no voxels: its shape is (${shape.join(", ")}).`,
    );
  }
  const dtype: DType = DTYPES[valueDtype].kind === "c" ? "complex128" : "float64";
  // Together, because what one of them reads of a compressed file the others need not read again.
  const shares = PLANES.map(() => 0);
  return Promise.all(
    PLANES.map(async ({ name, across, x, y, edges }, n): Promise<Plane> => {
      const index: IndexItem[] = [channel, null, null, null];
      index[across] = Math.floor(shape[across]! / 2);
      const onProgress: Report = ({ bytes, totalBytes }) => {
        shares[n] = bytes / totalBytes;
        report?.({ bytes: shares.reduce((sum, share) => sum + share), totalBytes: shares.length });
      };
      const tensor = await view.read(index, { dtype, ...(signal && { signal }), onProgress });
      return {
        name,
        width: shape[x],
        height: shape[y],
        spacing: [spacing[x - 1]!, spacing[y - 1]!],
        edges,
        channels: Array.from({ length: tensor.shape[0] }, (_, c) => valuesOf(tensor, c, x, y)),
      };
    }),
  );
}
