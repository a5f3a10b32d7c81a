import { createRequest, listBackends, resolveBackend } from "@lazyimg/core";
import { lazyReader } from "@lazyimg/reader-lazy/backend";
import { countingSource, volume } from "@lazyimg/testkit";
import { expect, test, vi } from "vitest";
import { rawReader } from "./raw-reader.js";

const { tensor, affine } = volume({ dtype: "float32", shape: [1, 5, 6, 7] });
const reader = rawReader(tensor.shape, affine);
const bytes = new Uint8Array(tensor.data.buffer as ArrayBuffer);

test("importing the package registers one name, and its pure half none", async () => {
  expect(listBackends()).toEqual([]);
  await import("@lazyimg/reader-lazy");
  expect(listBackends()).toEqual(["custom-reader"]);
});

test("shape, affine and dtype read nothing, a region little, and the full load still works", async () => {
  const source = countingSource(bytes);
  const backend = (await resolveBackend(createRequest(source, { reader })))!;
  expect(backend).toMatchObject({ shape: [1, 5, 6, 7], affine, dtype: "float32" });
  expect(source.requests).toBe(0);
  expect((await backend.read([0, 2, 3, 4])).at(0, 0, 0, 0)).toBe(tensor.at(0, 2, 3, 4));
  expect(source.bytes).toBe(6 * 7 * 4);
  expect((await backend.toTensor()).copy().data).toEqual(tensor.data);
});

test("the reader gets the whole request, and the signal", async () => {
  const createBackend = vi.fn(reader.createBackend);
  const request = createRequest(countingSource(bytes), {
    reader: { createBackend },
    readerOptions: { level: 2 },
    name: "a.raw",
  });
  const { signal } = new AbortController();
  await resolveBackend(request, { signal });
  expect(createBackend).toHaveBeenCalledExactlyOnceWith(request, { signal });
  expect(createBackend.mock.calls[0]![0].readerOptions).toEqual({ level: 2 });
});

test("a reader may be a function, or be all that the request has", () => {
  expect(lazyReader.matches(createRequest(reader))).toBe(true);
  expect(
    lazyReader.matches(
      createRequest("a.raw", { reader: Object.assign(async () => ({ tensor, affine }), reader) }),
    ),
  ).toBe(true);
});

test("requests without one, and those with a simple reader, are not its own", async () => {
  const simple = async () => ({ tensor, affine });
  for (const request of [
    createRequest("a.nii"),
    createRequest("a.nii", { reader: simple }),
    createRequest(tensor),
  ]) {
    expect(lazyReader.matches(request)).toBe(false);
    expect(await lazyReader.open(request, {})).toBeNull();
  }
});

test("what the reader throws is passed on, and what is no backend is refused", async () => {
  const error = new Error("broken");
  const throwing = { createBackend: () => Promise.reject(error) };
  await expect(resolveBackend(createRequest("a.raw", { reader: throwing }))).rejects.toBe(error);
  const odd = { createBackend: () => ({}) as never };
  await expect(resolveBackend(createRequest("a.raw", { reader: odd }))).rejects.toMatchObject({
    code: "ERR_INVALID_ARGUMENT",
    message: expect.stringContaining("custom-reader"),
  });
});
