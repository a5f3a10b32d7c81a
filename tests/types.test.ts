import { metaimage, openMetaImage } from "@lazyimg/backend-metaimage";
import { mgh, openMgh } from "@lazyimg/backend-mgh";
import { mif, openMif } from "@lazyimg/backend-mif";
import { type NiftiImageHeader, nifti, openNifti, writeNifti } from "@lazyimg/backend-nifti";
import { npy, openNpy } from "@lazyimg/backend-npy";
import { nrrd, openNrrd } from "@lazyimg/backend-nrrd";
import { tensor, tensorBackend } from "@lazyimg/backend-tensor";
import { niftiZarr, remoteZarr, writeNiftiZarr, type ZarrCodec, zarrStore } from "@lazyimg/backend-zarr";
import type {
  Affine,
  BackendDescriptor,
  BackendFactory,
  BackendRequest,
  ImageDataBackend,
  Tensor,
  WriteFunction,
} from "@lazyimg/core";
import { itk, openItk } from "@lazyimg/reader-itk";
import { lazyReader } from "@lazyimg/reader-lazy";
import { expectTypeOf, test } from "vitest";

// The public types of backends, all of which are shaped alike. These are checked by the compiler; running them shows nothing.

declare const image: ImageDataBackend;

test("a backend's descriptor", () => {
  expectTypeOf(itk).toEqualTypeOf<BackendDescriptor>();
  expectTypeOf(lazyReader).toEqualTypeOf<BackendDescriptor>();
  expectTypeOf(metaimage).toEqualTypeOf<BackendDescriptor>();
  expectTypeOf(mgh).toEqualTypeOf<BackendDescriptor>();
  expectTypeOf(mif).toEqualTypeOf<BackendDescriptor>();
  expectTypeOf(nifti).toEqualTypeOf<BackendDescriptor>();
  expectTypeOf(niftiZarr).toEqualTypeOf<BackendDescriptor>();
  expectTypeOf(npy).toEqualTypeOf<BackendDescriptor>();
  expectTypeOf(nrrd).toEqualTypeOf<BackendDescriptor>();
  expectTypeOf(remoteZarr).toEqualTypeOf<BackendDescriptor>();
  expectTypeOf(tensor).toEqualTypeOf<BackendDescriptor>();
  expectTypeOf(zarrStore).toEqualTypeOf<BackendDescriptor>();
});

test("opening without the registry", () => {
  expectTypeOf([
    openItk,
    openMetaImage,
    openMgh,
    openMif,
    openNifti,
    openNpy,
    openNrrd,
  ]).items.toExtend<BackendFactory>();
  expectTypeOf([openItk, openMetaImage, openMgh, openMif, openNifti, openNpy, openNrrd])
    .items.parameter(0)
    .toEqualTypeOf<BackendRequest>();
  expectTypeOf(tensorBackend).toEqualTypeOf<(tensor: Tensor, affine?: Affine) => ImageDataBackend>();
});

test("NIfTI's own", () => {
  expectTypeOf(writeNifti).toExtend<WriteFunction>();
  expectTypeOf<TransformStream<Uint8Array, Uint8Array>["writable"]>().toExtend<
    Parameters<typeof writeNifti>[1]
  >();
  expectTypeOf<NiftiImageHeader["readExtensions"]>().returns.resolves.toExtend<readonly object[]>();
});

test("Zarr's own", () => {
  expectTypeOf(writeNiftiZarr).returns.toEqualTypeOf<Promise<void>>();
  expectTypeOf<Map<string, Uint8Array>>().not.toExtend<Parameters<typeof writeNiftiZarr>[0]>();
  expectTypeOf<ZarrCodec>().toEqualTypeOf<"blosc" | "zstd" | "gzip" | "none">();
  // @ts-expect-error: no such codec
  void (() => writeNiftiZarr(image, "a.zarr", { codec: "lzma" }));
});
