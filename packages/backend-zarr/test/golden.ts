import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Affine, allocate, bytesOf, type DType, type Shape4D, Tensor } from "@lazyimg/core";
import { unzipSync } from "fflate";

const folder = fileURLToPath(new URL("../../../tests/golden/zarr/", import.meta.url));

/** What Python says about one image. */
export interface GoldenImage {
  readonly raw: string;
  readonly scaled?: string;
  readonly affines?: readonly Affine[];
  readonly affineSource?: string;
  readonly header?: string;
}

interface GoldenTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: string;
}

const expected = JSON.parse(readFileSync(`${folder}expected.json`, "utf8")) as {
  readonly images: Readonly<Record<string, GoldenImage>>;
  readonly tensors: Readonly<Record<string, GoldenTensor>>;
};

/** Every image by name; see tools/oracle/zarr_vectors.py. */
export const images: Readonly<Record<string, GoldenImage>> = expected.images;

/** The archive of an image. */
export function archive(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(`${folder}${name}.zarr.zip`));
}

/** The files of an image, by zarrita's keys. */
export function files(name: string): Map<string, Uint8Array> {
  return new Map(Object.entries(unzipSync(archive(name))).map(([key, bytes]) => [`/${key}`, bytes]));
}

/** Voxels by their hash, as (C, I, J, K) in C order. */
export function voxels(hash: string): Tensor {
  const { dtype: name, shape, data } = expected.tensors[hash]!;
  const dtype = (name === "bool" ? "uint8" : name) as DType;
  const padded = (shape.length === 3 ? [1, ...shape] : shape) as unknown as Shape4D;
  const array = allocate(
    dtype,
    padded.reduce((product, size) => product * size, 1),
  );
  bytesOf(array).set(Buffer.from(data, "base64"));
  return new Tensor({ data: array, dtype, shape: padded });
}
