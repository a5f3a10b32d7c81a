import { readFileSync } from "node:fs";

/** A file of the golden vectors, which `tools/oracle` makes with numpy and nibabel. */
export function golden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../../tests/golden/${name}`, import.meta.url), "utf8")) as T;
}
