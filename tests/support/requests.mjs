// The requests of the import-order test, and the backend that each belongs to. Also loaded by child processes.
import { readFileSync } from "node:fs";
import { createRequest, Tensor } from "../../packages/core/dist/index.js";

const file = (name) => new Uint8Array(readFileSync(new URL(`../golden/nifti/${name}`, import.meta.url)));

const tensor = new Tensor({ data: new Uint8Array(1), dtype: "uint8", shape: [1, 1, 1, 1] });
const reader = { createBackend: () => Promise.reject(new Error("not asked to")) };
const simple = () => Promise.reject(new Error("not asked to"));
const store = new Map();
const bytes = new Uint8Array([1, 2, 3, 4]);

/** @type {readonly (readonly [what: string, backend: string | null, source: unknown, options?: object])[]} */
const table = [
  ["a NIfTI file", "nifti", "/data/scan.nii"],
  ["compressed", "nifti", "scan.nii.gz"],
  ["in capitals", "nifti", "SCAN.NII.GZ"],
  ["on Windows", "nifti", "C:\\data\\scan.nii"],
  ["a header", "nifti", "scan.hdr"],
  ["an image", "nifti", "scan.img.gz"],
  ["by URL", "nifti", "https://h/scan.nii.gz?sig=x.zarr"],
  ["by file URL", "nifti", new URL("file:///data/scan.nii")],
  ["dropped", "nifti", new File([bytes], "scan.nii")],
  ["in memory, with a name", "nifti", bytes, { name: "scan.nii.gz" }],
  ["in memory, by its first bytes", "nifti", file("dtype/complex128.be.n1.single.nii")],
  ["inside a folder called .zarr", "nifti", "/data/x.zarr/scan.nii"],
  ["a tensor", "tensor", tensor],
  ["a tensor with a NIfTI's name", "tensor", tensor, { name: "scan.nii" }],
  ["a tensor with a Zarr's name", "tensor", tensor, { name: "scan.zarr" }],
  ["a lazy reader", "custom-reader", reader],
  ["a lazy reader of a NIfTI file", "custom-reader", "scan.nii", { reader }],
  ["a lazy reader of bytes", "custom-reader", bytes, { reader }],
  ["a lazy reader of a tensor", "custom-reader", tensor, { reader }],
  ["a lazy reader of a Zarr", "custom-reader", "scan.nii.zarr", { reader }],
  ["a lazy reader of a remote Zarr", "custom-reader", "https://h/scan.nii.zarr", { reader }],
  ["a lazy reader of a store", "custom-reader", store, { reader }],
  ["a lazy reader of anything", "custom-reader", "scan.xyz", { reader }],
  ["a simple reader of a NIfTI file", null, "scan.nii", { reader: simple }],
  ["a simple reader of a Zarr", null, "scan.zarr", { reader: simple }],
  ["a simple reader of a store", null, store, { reader: simple }],
  ["a simple reader of a tensor", null, tensor, { reader: simple }],
  ["a NIfTI-Zarr", "nifti-zarr", "/data/scan.nii.zarr"],
  ["an OME-Zarr, with a slash", "nifti-zarr", "/data/scan.ome.zarr/"],
  ["a Zarr in capitals", "nifti-zarr", "SCAN.ZARR"],
  ["a Zarr on Windows", "nifti-zarr", "C:\\data\\scan.zarr"],
  ["a remote Zarr", "remote-nifti-zarr", "https://h/scan.nii.zarr"],
  ["a remote Zarr, with a slash", "remote-nifti-zarr", "https://h/scan.ome.zarr/"],
  ["a Zarr in a bucket", "remote-nifti-zarr", "s3://bucket/scan.zarr"],
  ["a Zarr in a container", "remote-nifti-zarr", "az://container/scan.zarr"],
  ["a remote Zarr with a query", "remote-nifti-zarr", "https://h/scan.zarr?sig=a.nii"],
  ["a remote Zarr by name", "remote-nifti-zarr", "https://h/download?id=7", { name: "scan.zarr" }],
  ["an archive", "nifti-zarr", "/data/scan.zarr.zip"],
  ["a remote archive", "nifti-zarr", "https://h/scan.ome.zarr.zip"],
  ["an archive in memory", "nifti-zarr", bytes, { name: "scan.nii.zarr.zip" }],
  ["a store", "zarr-store", store],
  ["a store with a NIfTI's name", "zarr-store", store, { name: "scan.nii" }],
  ["a picture", null, "image.png"],
  ["another format", null, "scan.nrrd"],
  ["a picture by URL", null, "https://h/image.png?name=scan.nii"],
  ["no extension", null, "/data/scan"],
  ["bytes that are nothing known", null, bytes],
  ["nothing at all", null, new Uint8Array(0)],
  ["an empty Blob", null, new Blob([])],
];

export const requests = table.map(([what, backend, source, options]) => ({
  what,
  backend,
  request: createRequest(source, options),
}));
