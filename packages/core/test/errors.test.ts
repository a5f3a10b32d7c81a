import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { isLazyImageError, LazyImageError } from "@lazyimg/core";
import { expect, test } from "vitest";

test("an error has a code, a message and a cause", () => {
  const cause = new Error("underneath");
  const error = new LazyImageError("ERR_IO", "could not read", { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: "LazyImageError", code: "ERR_IO", message: "could not read", cause });
  expect(String(error)).toBe("LazyImageError: could not read");
  expect("cause" in new LazyImageError("ERR_IO", "x")).toBe(false);
});

test("isLazyImageError, with and without a code", () => {
  const error = new LazyImageError("ERR_IO", "x");
  expect(isLazyImageError(error)).toBe(true);
  expect(isLazyImageError(error, "ERR_IO")).toBe(true);
  expect(isLazyImageError(error, "ERR_INDEX")).toBe(false);
  class Special extends LazyImageError {}
  expect(isLazyImageError(new Special("ERR_MINE", "x"), "ERR_MINE")).toBe(true);
});

test.each([
  null,
  undefined,
  "LazyImageError",
  new Error("x"),
  Object.assign(new Error("x"), { code: "ERR_IO" }),
  Object.assign(new Error("x"), { name: "LazyImageError" }),
  { name: "LazyImageError", code: "ERR_IO" },
  runInNewContext("new Error('x')"),
])("not %s", (other) => {
  expect(isLazyImageError(other)).toBe(false);
});

test("every code of the type is explained in the table above it, and the other way round", () => {
  const source = readFileSync(new URL("../src/errors.ts", import.meta.url), "utf8");
  const table = [...source.matchAll(/^ \* \| `(ERR_\w+)` \| \w/gm)].map(([, code]) => code);
  const type = [...source.matchAll(/^ {2}\| "(ERR_\w+)"$/gm)].map(([, code]) => code);
  expect(type.length).toBeGreaterThan(15);
  expect(table).toEqual(type);
});
