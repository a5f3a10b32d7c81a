import { createRequest, hasExtension, type ImageSource, Tensor } from "@lazyimg/core";
import { expect, test } from "vitest";

const named = (name: string, data: ImageSource = new Uint8Array(1)) => createRequest(data, { name });

test.each<[string, ImageSource]>([
  ["a path", "/data/scan.nii"],
  ["capitals", "/data/SCAN.NII"],
  ["compressed", "scan.nii.gz"],
  ["compressed, in capitals", "Scan.Nii.GZ"],
  ["a Windows path", "C:\\data\\scan.nii"],
  ["a network path", "\\\\server\\share\\scan.nii"],
  ["a relative path with dots", "../a.b/scan.nii"],
  ["an accent, composed", "é.nii"],
  ["an accent, decomposed", "e\u0301.nii"],
  ["other scripts", "脳画像 скан.nii"],
  ["an emoji", "🧠.nii"],
  ["spaces", "my scan (1).nii"],
  ["a URL", "https://h/scan.nii"],
  ["a query", "https://h/scan.nii?token=a.b"],
  ["a fragment", "https://h/scan.nii#x.y"],
  ["a query and a fragment", "https://h/scan.nii?a=1#b"],
  ["a question mark within the query", "https://h/scan.nii?a=b?c/d"],
  ["escapes", "https://h/my%20scan%2enii"],
  ["a broken escape", "https://h/100%.nii"],
  ["a file URL", "file:///data/scan.nii"],
  ["another scheme", "s3://bucket/scan.nii.gz"],
  ["a name for bytes", named("scan.nii")],
  ["a name for a URL without one", createRequest("https://h/download?id=7", { name: "scan.nii" })],
  ["a File", new File([], "scan.nii")],
])("%s matches", (_, source) => {
  expect(hasExtension(createRequest(source), ".nii", ".nii.gz")).toBe(true);
  expect(hasExtension(createRequest(source), ".NII", ".NII.GZ")).toBe(true);
  expect(hasExtension(createRequest(source), ".mgh")).toBe(false);
  expect(hasExtension(createRequest(source))).toBe(false);
});

const tensor = new Tensor({ data: new Uint8Array(1), dtype: "uint8", shape: [1, 1, 1, 1] });
const reader = { createBackend: () => Promise.reject(new Error("not now")) };

test.each<[string, ImageSource]>([
  ["another extension", "scan.nrrd"],
  ["no extension", "scan"],
  ["no dot", "scannii"],
  ["more after it", "scan.nii.bak"],
  ["a folder's name", "/data.nii/scan.txt"],
  ["the query alone", "https://h/scan?file=a.nii"],
  ["the fragment alone", "https://h/scan#a.nii"],
  ["a Zarr", "https://h/scan.nii.zarr"],
  ["bytes without a name", new Uint8Array(1)],
  ["a name that hides the path's", createRequest("scan.nii", { name: "scan.nrrd" })],
  ["a tensor with a name", named("scan.nii", tensor)],
  ["a store with a name", named("scan.nii", new Map())],
  ["a reader of its own", createRequest("scan.nii", { reader })],
  ["a simple reader", createRequest("scan.nii", { reader: () => Promise.reject(new Error("not now")) })],
])("%s does not", (_, source) => {
  expect(hasExtension(createRequest(source), ".nii", ".nii.gz")).toBe(false);
});
