// lazyimg, as a program that imports what it needs.
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
  return open(task, [backend.nifti], { gzipIndex: task.gzipIndex ?? false });
}

export async function zarr(task) {
  const { niftiZarr, remoteZarr } = await import("@lazyimg/backend-zarr/backend");
  return open(task, [niftiZarr, remoteZarr]);
}
