import "@lazyimg/backend-nifti";
import "@lazyimg/backend-tensor";
import "@lazyimg/backend-zarr";
import "@lazyimg/reader-lazy";

export * from "@lazyimg/core";
export * from "@lazyimg/image";
