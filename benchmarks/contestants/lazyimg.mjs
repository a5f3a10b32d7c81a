// lazyimg, as a program that imports what it needs.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { slice } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";

async function open({ path, order }, backends, readerOptions = {}) {
  const image = await openImage(path, { backends, readerOptions });
  return {
    async read(index) {
      const tensor = await image.read(index.map((item) => (Array.isArray(item) ? slice(...item) : item)));
      return order === "C" ? tensor.contiguous("C").data : tensor.data;
    },
    close: () => image.close(),
  };
}

export async function nifti(task) {
  const backend = await import("@lazyimg/backend-nifti/backend");
  return open(task, [backend.nifti], task.sidecar ? {} : { gzipIndex: false });
}

export async function zarr(task) {
  const { niftiZarr, remoteZarr } = await import("@lazyimg/backend-zarr/backend");
  return open(task, [niftiZarr, remoteZarr]);
}

/** Converts to Zarr, of so many levels or as many as it takes. */
export async function convert({ path, levels }) {
  const { nifti: backend } = await import("@lazyimg/backend-nifti/backend");
  const { writeNiftiZarr } = await import("@lazyimg/backend-zarr/write");
  return {
    async read() {
      const image = await openImage(path, { backends: [backend], readerOptions: { gzipIndex: false } });
      const folder = await mkdtemp(join(tmpdir(), "lazyimg-bench-out-"));
      await writeNiftiZarr(image.dataobj, join(folder, "out.nii.zarr"), { chunk: 64, levels });
      await image.close();
      await rm(folder, { recursive: true });
      return [];
    },
    close() {},
  };
}
