import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Affine, Shape4D, Vector3 } from "@lazyimg/core";

export const FIXTURES: string = fileURLToPath(new URL("fixtures/", import.meta.url));
export const ROOT: string = fileURLToPath(new URL("../../../", import.meta.url));

interface GoldenImage {
  readonly axes: string;
  readonly shape: readonly number[];
  readonly samples: readonly {
    readonly voxel: Vector3;
    readonly world: Vector3;
    readonly value: readonly number[];
    readonly label?: number | null;
  }[];
}

/** What nibabel says of the fixtures; written by `tools/oracle.py`. */
export const GOLDEN = JSON.parse(readFileSync(`${FIXTURES}golden.json`, "utf8")) as {
  readonly balls: readonly { readonly centre: Vector3; readonly radius: number }[];
  readonly images: Readonly<Record<"head.nii.gz" | "bold.nii" | "rgb.nii.gz", GoldenImage>>;
  readonly planes: readonly {
    readonly affine: Affine;
    readonly shape: Vector3;
    readonly axes: string;
    /** By convention and name; of each voxel column, row, depth, and where it is. */
    readonly views: Readonly<
      Record<
        string,
        {
          readonly size: readonly number[];
          readonly voxels: readonly (readonly [number, number, number, Vector3])[];
        }
      >
    >;
  }[];
};

export const shape4 = (shape: Vector3): Shape4D => [1, ...shape];
