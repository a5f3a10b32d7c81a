import { tensor as descriptor, tensorBackend } from "@lazyimg/backend-tensor/backend";
import { createRequest, IDENTITY, listBackends, resolveBackend, slice, Tensor } from "@lazyimg/core";
import { expect, test } from "vitest";

const tensor = new Tensor({
  data: Int16Array.from({ length: 24 }, (_, n) => n),
  dtype: "int16",
  shape: [1, 2, 3, 4],
});
const affine = Object.freeze([2, 0, 0, 5, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]);

test("the identity, where no affine is given", () => {
  expect(tensorBackend(tensor)).toMatchObject({ affine: IDENTITY, affineSource: "base", dtype: "int16" });
  expect(tensorBackend(tensor, affine)).toMatchObject({ affine, affineSource: "override" });
});

test("read gives a view, also with steps; a cast or `out` does not", async () => {
  const backend = tensorBackend(tensor);
  const view = await backend.read([0, slice(null, null, -1), slice(0, null, 2)]);
  expect(view.data).toBe(tensor.data);
  expect(view.copy().data).toEqual(tensor.slice([0, slice(null, null, -1), slice(0, null, 2)]).copy().data);
  expect((await backend.read(0, { dtype: "int32" })).data).not.toBe(tensor.data);
  const out = new Int16Array(24);
  expect((await backend.read(0, { out })).data).toBe(out);
});

test("toTensor gives a copy, of a view too", async () => {
  const part = tensor.slice([0, 1]);
  const copy = await tensorBackend(part).toTensor();
  expect(copy.data.buffer).not.toBe(tensor.data.buffer);
  expect(copy.data.length).toBe(12);
  expect(copy.data).toEqual(part.copy().data);
});

test("reading a view costs nothing, and a cast its result", () => {
  const backend = tensorBackend(tensor);
  expect(backend.explain!(0)).toEqual({ requests: 0, bytes: 0, outputBytes: 48, peakBytes: 0 });
  expect(backend.explain!(0, { dtype: "float64" })).toMatchObject({ outputBytes: 192, peakBytes: 192 });
});

test("importing the backend's pure half registers nothing, and the package itself one name", async () => {
  expect(listBackends()).toEqual([]);
  await import("@lazyimg/backend-tensor");
  expect(listBackends()).toEqual(["tensor"]);
  const resolved = await resolveBackend(createRequest(tensor, { affine }));
  expect(resolved).toMatchObject({ affine, affineSource: "override", shape: [1, 2, 3, 4] });
});

test("a request with a reader is not its own", async () => {
  const reader = { createBackend: () => tensorBackend(tensor) };
  expect(descriptor.matches(createRequest(tensor))).toBe(true);
  expect(descriptor.matches(createRequest(tensor, { reader }))).toBe(false);
  expect(descriptor.matches(createRequest("scan.nii"))).toBe(false);
});
