import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as core from "@lazyimg/core";
import { afterAll, expect, test } from "vitest";

// Another copy of the package, as a second version in one tree would be.
const folder = mkdtempSync(join(tmpdir(), "lazyimg-core-"));
for (const part of ["dist", "src"]) {
  cpSync(fileURLToPath(new URL(`../${part}`, import.meta.url)), join(folder, part), { recursive: true });
}
const other = (await import(
  /* @vite-ignore */ pathToFileURL(join(folder, "dist", "index.js")).href
)) as typeof core;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tensor = new core.Tensor({ data: new Uint8Array([1, 2]), dtype: "uint8", shape: [1, 1, 1, 2] });
const open = () =>
  core.defineBackend({
    shape: tensor.shape,
    affine: core.IDENTITY,
    dtype: "uint8",
    readRegion: async () => tensor.copy(),
  });

test("it is another copy", () => {
  expect(other.Tensor).not.toBe(core.Tensor);
  expect(Object.keys(other).sort()).toEqual(Object.keys(core).sort());
});

test("both share one registry", async () => {
  core.registerBackend("mine", () => true, open);
  other.registerBackend("theirs", () => false, open);
  expect(core.listBackends()).toEqual(["theirs", "mine"]);
  expect(other.listBackends()).toEqual(core.listBackends());
  const request = other.createRequest("scan.abc");
  expect(other.isImageDataBackend(await other.resolveBackend(request))).toBe(true);
  other.unregisterBackend("mine");
  core.unregisterBackend("theirs");
  expect(core.listBackends()).toEqual([]);
  const write = async () => {};
  core.registerWriter("abc", (name) => name.endsWith(".abc"), write);
  expect(other.resolveWriter("x.abc")).toBe(write);
});

test("errors are recognised across copies, by name and code", () => {
  const error = new other.LazyImageError("ERR_INDEX", "wrong", { cause: 7 });
  expect(error).not.toBeInstanceOf(core.LazyImageError);
  expect(core.isLazyImageError(error)).toBe(true);
  expect(core.isLazyImageError(error, "ERR_INDEX")).toBe(true);
  expect(core.isLazyImageError(error, "ERR_CLOSED")).toBe(false);
});

test("tensors, backends and requests are, too", async () => {
  expect(other.isTensor(tensor)).toBe(true);
  expect(other.createRequest(tensor)).toMatchObject({ tensor });
  expect(other.isImageDataBackend(open())).toBe(true);
  const request = core.createRequest("scan.abc", { name: "b.nii", readerOptions: { level: 1 } });
  expect({ ...other.createRequest(request, { name: "c.nii" }) }).toEqual({ ...request, name: "c.nii" });
  const ofTensor = core.createRequest(tensor, { affine: core.IDENTITY });
  expect({ ...other.createRequest(ofTensor) }).toEqual({ ...ofTensor });
});

test("a tensor of one copy is copied into that of the other", () => {
  const target = new other.Tensor({ data: new Uint8Array(2), dtype: "uint8", shape: [1, 1, 1, 2] });
  tensor.copyTo(target);
  expect([...target.data]).toEqual([1, 2]);
});
