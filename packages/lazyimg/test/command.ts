import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Outcome, type Started, startNode } from "../../../tests/support/process.js";

export const BIN: string = fileURLToPath(new URL("../bin/lazyimg.cjs", import.meta.url));
export const ROOT: string = fileURLToPath(new URL("../../..", import.meta.url));
export const PHANTOM: string = join(ROOT, "examples", "phantom.nii.gz");
export const GOLDEN: string = join(ROOT, "tests", "golden", "nifti");

export type { Outcome } from "../../../tests/support/process.js";

/** The command as a process of its own. */
export const start = (args: readonly string[], cwd?: string): Started => startNode([BIN, ...args], { cwd });

export const lazyimg = (...args: string[]): Promise<Outcome> => start(args).outcome;

/** What the command prints as JSON; it must succeed. */
export async function lazyimgJson(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await lazyimg(...args, "--json");
  if (code !== 0) throw new Error(`lazyimg ${args.join(" ")} exited with ${code}: ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), "lazyimg command "));

export interface GoldenCase {
  readonly name: string;
  readonly files: readonly string[];
  readonly expect: "ok" | "error" | "either";
  readonly differs?: readonly string[];
  readonly code?: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly valueDtype: string;
  readonly version: number;
  readonly byteOrder: string;
  readonly affine: readonly number[];
  readonly affineSource: string;
  readonly orientation: string | null;
  readonly header: { readonly tr: number };
  readonly units: { readonly temporal: string | null };
  readonly slope: number | null;
  readonly inter: number | null;
  readonly raw: { readonly dtype: string; readonly sha256: string };
  readonly scaled: { readonly dtype: string; readonly sha256: string };
}

const { cases } = JSON.parse(readFileSync(join(GOLDEN, "cases.json"), "utf8")) as { cases: GoldenCase[] };

/** Some of the golden files that nibabel opens, of every kind. */
export function goldenSample(count: number): GoldenCase[] {
  const sound = cases.filter(({ expect, differs = [] }) => expect === "ok" && differs.length === 0);
  return Array.from({ length: count }, (_, n) => sound[Math.floor((n * sound.length) / count)]!);
}

export const goldenCase = (name: string): GoldenCase => cases.find((known) => known.name === name)!;
