import * as core from "@lazyimg/core";
import * as abort from "@lazyimg/core/abort";
import * as budget from "@lazyimg/core/budget";
import { expect, test } from "vitest";

/** What others build on. A name that goes or comes is a decision: change this list with it. */
const exported = {
  affine: ["affinesEqual", "createAffine", "IDENTITY", "invertAffine", "multiplyAffines", "spacingOf"],
  axes: ["mapAxes"],
  backend: ["defineBackend", "isImageDataBackend"],
  bytes: ["isByteSource", "isZarrStore"],
  dtype: ["allocate", "bytesOf", "convert", "DTYPES", "isDType", "scaledDType"],
  errors: ["isLazyImageError", "LazyImageError"],
  indexing: ["normalizeIndex", "resolveIndex", "shapeOf", "slice"],
  registry: [
    "listBackends",
    "registerBackend",
    "registerWriter",
    "resolveBackend",
    "resolveWriter",
    "unregisterBackend",
  ],
  request: ["createRequest", "describeRequest", "hasExtension", "isLazyReader", "requestName"],
  tensor: ["isTensor", "outTensor", "sizeOf", "stridedCopy", "stridesOf", "Tensor"],
};

test("core exports these names and no others", () => {
  expect(Object.keys(core).sort()).toEqual(Object.values(exported).flat().sort());
  expect(Object.keys(abort).sort()).toEqual(["SharedWork", "abortable", "onAbort"]);
  expect(Object.keys(budget)).toEqual(["Budget"]);
});

test("data types are these, with numpy's names, kinds and sizes", () => {
  const table = Object.entries(core.DTYPES).map(
    ([name, { kind, lanes, itemSize, array }]) =>
      `${name} ${kind}${itemSize} ${array === undefined ? "" : lanes}`,
  );
  expect(table).toEqual([
    "int8 i1 1",
    "uint8 u1 1",
    "int16 i2 1",
    "uint16 u2 1",
    "int32 i4 1",
    "uint32 u4 1",
    "int64 i8 1",
    "uint64 u8 1",
    "float32 f4 1",
    "float64 f8 1",
    "complex64 c8 2",
    "complex128 c16 2",
  ]);
  expect(Object.isFrozen(core.DTYPES)).toBe(true);
});

test.each(Object.keys(core.DTYPES) as core.DType[])("%s is allocated zeroed, in its own array", (dtype) => {
  const { array, lanes, itemSize } = core.DTYPES[dtype];
  const data = core.allocate(dtype, 3);
  expect(data).toBeInstanceOf(array);
  expect([data.length, data.byteLength]).toEqual([3 * lanes, 3 * itemSize]);
  expect(data.every((value: number | bigint) => Number(value) === 0)).toBe(true);
  expect(core.isDType(dtype)).toBe(true);
});

test("isDType knows no others", () => {
  const others = ["float16", "Int16", "toString", "__proto__", "", undefined, null, 7, {}];
  expect(others.some((name) => core.isDType(name))).toBe(false);
});

test("every copy of this version looks for the registry under the same key", () => {
  core.listBackends();
  expect(Object.keys((globalThis as never)[Symbol.for("@lazyimg/core/registry/1")])).toEqual([
    "backends",
    "writers",
  ]);
});
