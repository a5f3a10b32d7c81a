import { niftiZarr, remoteZarr, zarrStore } from "@lazyimg/backend-zarr/backend";
import { createRequest, type ImageSource, type RequestOptions } from "@lazyimg/core";
import { expect, test } from "vitest";

const reader = async () => {
  throw new Error("not called");
};

const cases: [ImageSource, RequestOptions, string | null][] = [
  ["scan.nii.zarr", {}, "nifti-zarr"],
  ["/data/SCAN.NII.ZARR///", {}, "nifti-zarr"],
  ["scan.ome.zarr", {}, "nifti-zarr"],
  ["scan.zarr", {}, "nifti-zarr"],
  ["scan.zarr.zip", {}, "nifti-zarr"],
  ["file:///data/scan.zarr/", {}, "nifti-zarr"],
  ["https://example.org/scan.zarr.zip?token=1", {}, "nifti-zarr"],
  [new Uint8Array(1), { name: "scan.zarr.zip" }, "nifti-zarr"],
  ["https://example.org/scan.nii.zarr", {}, "remote-nifti-zarr"],
  ["https://example.org/scan.zarr/?token=1#x", {}, "remote-nifti-zarr"],
  ["s3://bucket/scan.zarr", {}, "remote-nifti-zarr"],
  ["gs://bucket/scan.zarr//", {}, "remote-nifti-zarr"],
  ["az://container/scan.ome.zarr", {}, "remote-nifti-zarr"],
  [new Map(), {}, "zarr-store"],
  ["scan.zarr", { reader }, null],
  ["https://example.org/scan.zarr", { reader }, null],
  [new Map(), { reader }, null],
  ["scan.nii", {}, null],
  ["scan.nii.gz", {}, null],
  ["https://example.org/scan.nii.gz", {}, null],
  ["scan.zip", {}, null],
  [new Uint8Array(1), { name: "scan.zarr" }, null],
];

test.each(cases)("%s %o is for %s, and no other", async (source, options, wanted) => {
  const request = createRequest(source, options);
  const found = [remoteZarr, zarrStore, niftiZarr]
    .filter(({ matches }) => matches(request))
    .map(({ name }) => name);
  expect(found).toEqual(wanted === null ? [] : [wanted]);
});

test("a scheme without a transport says what would bring it", async () => {
  const open = Promise.resolve().then(() => remoteZarr.open(createRequest("s3://bucket/scan.zarr"), {}));
  await expect(open).rejects.toMatchObject({
    code: "ERR_UNSUPPORTED",
    message: expect.stringContaining("@lazyimg/transport-s3"),
  });
});
