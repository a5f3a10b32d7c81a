import { createHash } from "node:crypto";
import { bytesOf, type Index, resolveIndex, type Shape4D, shapeOf, Tensor } from "@lazyimg/core";
import { expect, test } from "vitest";
import { golden } from "./support/golden.js";

interface Case {
  readonly index: Index;
  readonly shape?: Shape4D;
  readonly sha256?: string;
  readonly values?: number[];
  readonly code?: string;
  readonly error?: string;
}

const { cases, shape } = golden<{ cases: Case[]; shape: Shape4D; dtype: string }>("index.json");
const size = shape.reduce((a, b) => a * b);
const tensor = new Tensor({ data: Int32Array.from({ length: size }, (_, n) => n), dtype: "int32", shape });

const messages: Record<string, RegExp> = {
  "out-of-range": /out of bounds for axis [CIJK] of size \d/,
  "too-many": /Too many indices/,
  "two-ellipses": /one ellipsis/,
  "zero-step": /step other than 0/,
  "not-understood": /not understood|is not an integer/,
};

const good = cases.filter(({ code }) => code === undefined);
const bad = cases.filter(({ code }) => code !== undefined);

test("there are cases of both kinds", () => {
  expect(good.length).toBeGreaterThan(100);
  expect(new Set(bad.map(({ error }) => error))).toEqual(new Set(Object.keys(messages)));
});

test.each(good.map((entry) => [JSON.stringify(entry.index), entry] as const))("%s is numpy's", (_, entry) => {
  const region = tensor.slice(entry.index);
  expect(region.shape).toEqual(entry.shape);
  expect(shapeOf(resolveIndex(entry.index, shape))).toEqual(entry.shape);
  const { data } = region.copy();
  if (entry.values) expect([...data]).toEqual(entry.values);
  expect(createHash("sha256").update(bytesOf(data)).digest("hex")).toBe(entry.sha256);
});

test.each(bad.map((entry) => [JSON.stringify(entry.index), entry] as const))(
  "%s is refused",
  (_, { index, code, error }) => {
    expect(() => resolveIndex(index, shape)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(messages[error!]!) }),
    );
    expect(() => tensor.slice(index)).toThrow(expect.objectContaining({ code }));
  },
);
