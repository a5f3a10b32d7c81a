import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** Every code that a package may fail with is explained in docs/errors.md. */

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Node's own, which is looked for and not thrown. */
const NODES = "ERR_INVALID_ARG_VALUE";

const codes = new Set(
  readdirSync(`${ROOT}packages`, { recursive: true, encoding: "utf8" })
    .filter((file) => /^[\w-]+\/src\/.*\.ts$/.test(file.replaceAll("\\", "/")))
    .flatMap((file) => readFileSync(`${ROOT}packages/${file}`, "utf8").match(/"ERR_\w+"/g) ?? [])
    .map((code) => code.slice(1, -1))
    .filter((code) => code !== NODES),
);

test("docs/errors.md explains every code, once, and no other", () => {
  expect(codes.size).toBeGreaterThan(20);
  const page = readFileSync(`${ROOT}docs/errors.md`, "utf8");
  const explained = [...page.matchAll(/^### (ERR_\w+)$/gm)].map(([, code]) => code!);
  expect(explained.sort()).toEqual([...codes].sort());
});
