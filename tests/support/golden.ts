import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bytesOf, DTYPES, type DType, type IndexItem, type Tensor } from "@lazyimg/core";

/** The folder of golden vectors. */
export const GOLDEN: string = fileURLToPath(new URL("../golden/", import.meta.url));

/** The folder of real images, if it is there: `$LAZYIMG_DATA`, or `shared/data` beside the repository. */
export const REAL_DATA: string | undefined = [
  process.env.LAZYIMG_DATA,
  fileURLToPath(new URL("../../../shared/data", import.meta.url)),
].find((folder) => folder !== undefined && existsSync(folder));

/** A JSON file of golden vectors. */
export function golden<T>(name: string): T {
  return JSON.parse(readFileSync(`${GOLDEN}${name}`, "utf8")) as T;
}

/** A number as the vectors write it: what is not finite is a string. */
export function toNumber(value: number | string): number {
  return Number(value);
}

/** The SHA-256 of a tensor as the vectors have it: C order, little-endian, every NaN the canonical one. */
export function hashOf(tensor: Tensor): string {
  const { data } = tensor.copy("C");
  if (DTYPES[tensor.dtype].kind === "f" || DTYPES[tensor.dtype].kind === "c") {
    const words = new Uint32Array(data.buffer);
    const wide = data.BYTES_PER_ELEMENT === 8;
    for (let n = 0; n < data.length; n++) {
      if (!Number.isNaN(Number(data[n]))) continue;
      if (wide) words.set([0, 0x7ff80000], 2 * n);
      else words[n] = 0x7fc00000;
    }
  }
  return createHash("sha256").update(bytesOf(data)).digest("hex");
}

/** What the vectors say of an array. */
export interface ArrayDigest {
  readonly dtype: DType;
  readonly sha256: string;
}

/** What the vectors say of a NIfTI file. */
export interface NiftiCase {
  readonly name: string;
  readonly file?: string;
  readonly files: readonly string[];
  readonly expect: "ok" | "error" | "either";
  readonly code?: string;
  readonly differs?: readonly string[];
  readonly shape: readonly [number, number, number, number];
  readonly dtype: DType;
  readonly valueDtype: DType;
  readonly affine: readonly (number | string)[];
  readonly affineSource: string;
  readonly orientation: string | null;
  readonly raw?: ArrayDigest;
  readonly scaled?: ArrayDigest;
  readonly header: {
    readonly tr: number | string;
    readonly extensions: readonly { code: number; length: number; sha256: string }[];
  };
}

/** An index as the vectors write it, such as ":,10:20,...,::2". */
export function parseIndex(text: string): IndexItem[] {
  return text.split(",").map((item) => {
    if (item === "...") return item;
    const parts = item.split(":").map((part) => (part === "" ? null : Number(part)));
    if (parts.length === 1) return parts[0]!;
    return { start: parts[0] ?? null, stop: parts[1] ?? null, step: parts[2] ?? null };
  });
}
