import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { NiftiHeader } from "@lazyimg/nifti-header";

const FOLDER = new URL("../../../tests/golden/nifti/", import.meta.url);

/** JSON has no such numbers; the golden vectors have them as strings. */
const NON_FINITE: Readonly<Record<string, number>> = { NaN, Infinity, "-Infinity": -Infinity };

/** A golden vector of `tests/golden/nifti/cases.json`; its README describes it. */
export interface GoldenCase {
  readonly name: string;
  readonly files: readonly string[];
  readonly expect: "ok" | "error" | "either";
  readonly code?: string;
  readonly differs?: readonly string[];
  readonly version: 1 | 2;
  readonly byteOrder: "little" | "big";
  readonly diskShape: readonly number[];
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly affine: readonly number[];
  readonly affineSource: NiftiHeader["affineSource"];
  readonly zooms: readonly number[];
  readonly units: { readonly spatial: string; readonly temporal: string } | null;
  readonly slope: number | null;
  readonly inter: number | null;
  readonly header: {
    readonly [field: string]: unknown;
    readonly voxOffset: number;
    readonly descrip: string;
    readonly auxFile: string;
    readonly intentName: string;
    readonly dimInfo: readonly (number | null)[];
    readonly extensions: readonly { code: number; length: number; hex: string | null }[];
  };
}

/** A broken file of `tests/golden/nifti/hostile/hostile.json`. */
export interface HostileCase {
  readonly files: readonly string[];
  readonly problem: string;
  readonly expect: "error" | "either";
  readonly code: string;
  readonly stage: "open" | "read";
}

function load<T>(path: string): readonly T[] {
  const text = readFileSync(new URL(path, FOLDER), "utf8");
  const parsed = JSON.parse(text, (_, value) =>
    typeof value === "string" ? (NON_FINITE[value] ?? value) : value,
  );
  return (parsed as { cases: readonly T[] }).cases;
}

export const goldenCases: readonly GoldenCase[] = load("cases.json");
export const hostileCases: readonly HostileCase[] = load("hostile/hostile.json");

/** The bytes of one of a case's files, unpacked where they are gzip. */
export function bytesOf(path: string): Uint8Array {
  const bytes = readFileSync(new URL(encodeURIComponent(path).replaceAll("%2F", "/"), FOLDER));
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
}

/** A hexadecimal field as text, up to its first NUL. */
export function textOf(hex: string): string {
  return Buffer.from(hex, "hex").toString("latin1").split("\0")[0]!;
}
