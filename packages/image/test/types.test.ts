import {
  type Affine,
  type AffineSource,
  type BackendDescriptor,
  type DType,
  type ImageDataBackend,
  type ReadPlan,
  type Shape4D,
  Tensor,
  type Vector3,
} from "@lazyimg/core";
import {
  applyAffine,
  cropAffine,
  Image,
  type OpenOptions,
  openImage,
  orientationOf,
  type SaveOptions,
} from "@lazyimg/image";
import { expectTypeOf, test } from "vitest";

// These are checked by the compiler; running them shows nothing.

declare const backend: ImageDataBackend;
const tensor = new Tensor({ data: new Int16Array(1), dtype: "int16", shape: [1, 1, 1, 1] });
const image = Image.fromTensor(tensor);

test("what openImage takes", () => {
  expectTypeOf(openImage).returns.toEqualTypeOf<Promise<Image>>();
  expectTypeOf<
    string | URL | Blob | Uint8Array | Tensor<"int16"> | Map<string, Uint8Array> | ImageDataBackend
  >().toExtend<Parameters<typeof openImage>[0]>();
  expectTypeOf<number>().not.toExtend<Parameters<typeof openImage>[0]>();
  expectTypeOf<OpenOptions["backends"]>().toEqualTypeOf<readonly BackendDescriptor[] | undefined>();
  expectTypeOf<OpenOptions["fetch"]>().toEqualTypeOf<typeof fetch | undefined>();
  expectTypeOf<Affine | Float64Array | number[][] | undefined>().toExtend<OpenOptions["affine"]>();
  // @ts-expect-error: no such option
  void (() => openImage("a.nii", { afine: [] }));
});

test("what an image tells", () => {
  expectTypeOf(image).toEqualTypeOf<Image>();
  expectTypeOf(image.shape).toEqualTypeOf<Shape4D>();
  expectTypeOf(image.spatialShape).toEqualTypeOf<readonly [i: number, j: number, k: number]>();
  expectTypeOf(image.spacing).toEqualTypeOf<readonly [i: number, j: number, k: number]>();
  expectTypeOf(image.origin).toEqualTypeOf<Vector3>();
  expectTypeOf(image.orientation).toEqualTypeOf<string>();
  expectTypeOf(image.dtype).toEqualTypeOf<DType>();
  expectTypeOf(image.valueDtype).toEqualTypeOf<DType>();
  expectTypeOf(image.affine).toEqualTypeOf<Affine>();
  expectTypeOf(image.affineSource).toEqualTypeOf<AffineSource | undefined>();
  expectTypeOf(image.header).toEqualTypeOf<unknown>();
  expectTypeOf(image.memory).toEqualTypeOf<number>();
  expectTypeOf(image.dataobj).toEqualTypeOf<ImageDataBackend>();
  expectTypeOf(image.explain()).toEqualTypeOf<ReadPlan | undefined>();
  // @ts-expect-error: told by the file
  void (() => (image.shape = [1, 1, 1, 1]));
});

test("reading is typed by the dtype that is asked for", () => {
  void (async () => {
    expectTypeOf(await image.read()).toEqualTypeOf<Tensor>();
    expectTypeOf(await image.load()).toEqualTypeOf<Tensor>();
    expectTypeOf(await image.read([0, null, "..."], { dtype: "float32" })).toEqualTypeOf<Tensor<"float32">>();
    expectTypeOf((await image.read(0, { dtype: "int64" })).data).toEqualTypeOf<BigInt64Array>();
    // @ts-expect-error: an index is not text
    await image.read(":");
    // @ts-expect-error: `out` of another type than `dtype`
    await image.read(0, { dtype: "uint8", out: new Int8Array(1) });
  });
});

test("views are images", () => {
  void (async () => {
    expectTypeOf(image.slice([0, { start: 1, stop: null, step: -2 }])).toEqualTypeOf<Image>();
    expectTypeOf(image.toOrientation("RAS")).toEqualTypeOf<Image>();
    expectTypeOf(image.to("float32")).toEqualTypeOf<Image>();
    expectTypeOf(new Image(backend)).toEqualTypeOf<Image>();
    // @ts-expect-error: no such data type
    image.to("float16");
  });
});

test("places", () => {
  void (async () => {
    expectTypeOf(image.voxelToWorld([1, 2, 3])).toEqualTypeOf<[x: number, y: number, z: number]>();
    expectTypeOf(image.worldToVoxel([1, 2, 3])).toEqualTypeOf<[i: number, j: number, k: number]>();
    // @ts-expect-error: three coordinates
    image.voxelToWorld([1, 2]);
  });
  expectTypeOf(applyAffine).parameter(0).toEqualTypeOf<Affine>();
  expectTypeOf(cropAffine).returns.toEqualTypeOf<Affine>();
  expectTypeOf(orientationOf).toEqualTypeOf<(affine: Affine) => string>();
});

test("saving and closing", () => {
  expectTypeOf(image.save).toBeCallableWith("a.nii");
  expectTypeOf(image.save).toBeCallableWith("a.nii", { signal: undefined });
  expectTypeOf(image.save).returns.toEqualTypeOf<Promise<void>>();
  expectTypeOf<{ signal: AbortSignal; level: 6 }>().toExtend<SaveOptions>();
  expectTypeOf(image.close).toEqualTypeOf<() => Promise<void>>();
  expectTypeOf(image).toExtend<AsyncDisposable>();
});
