import {
  type BackendDescriptor,
  type BackendRequest,
  createRequest,
  type DataOf,
  type DType,
  defineBackend,
  type ImageDataBackend,
  type ImageSource,
  type Index,
  isImageDataBackend,
  isLazyImageError,
  isTensor,
  type LazyImageError,
  type LazyReader,
  type ReadOptions,
  type ScalarOf,
  type Shape4D,
  type SimpleReader,
  slice,
  Tensor,
  type ZarrStore,
} from "@lazyimg/core";
import { expectTypeOf, test } from "vitest";

// These are checked by the compiler; running them shows nothing.

declare const backend: ImageDataBackend;
const noop = async (_: unknown): Promise<void> => {};

test("DataOf and ScalarOf", () => {
  expectTypeOf<DataOf<"int16">>().toEqualTypeOf<Int16Array>();
  expectTypeOf<DataOf<"int64">>().toEqualTypeOf<BigInt64Array>();
  expectTypeOf<DataOf<"complex64">>().toEqualTypeOf<Float32Array>();
  expectTypeOf<DataOf<"uint8" | "float64">>().toEqualTypeOf<Uint8Array | Float64Array>();
  expectTypeOf<ScalarOf<"uint8">>().toEqualTypeOf<number>();
  expectTypeOf<ScalarOf<"uint64">>().toEqualTypeOf<bigint>();
  expectTypeOf<ScalarOf<"complex128">>().toEqualTypeOf<readonly [re: number, im: number]>();
  expectTypeOf<ScalarOf>().toEqualTypeOf<number | bigint | readonly [re: number, im: number]>();
});

test("Tensor", () => {
  const tensor = new Tensor({ data: new Int16Array(1), dtype: "int16", shape: [1, 1, 1, 1] });
  expectTypeOf(tensor).toEqualTypeOf<Tensor<"int16">>();
  expectTypeOf(tensor.at(0, 0, 0, 0)).toEqualTypeOf<number>();
  expectTypeOf(tensor.data).toEqualTypeOf<Int16Array>();
  expectTypeOf(tensor.astype("int64").at(0, 0, 0, 0)).toEqualTypeOf<bigint>();
  expectTypeOf(tensor.astype("complex64").at(0, 0, 0, 0)).toEqualTypeOf<readonly [re: number, im: number]>();
  expectTypeOf(tensor.slice([0, slice(1)])).toEqualTypeOf<Tensor<"int16">>();
  expectTypeOf(tensor.contiguous("F").copy()).toEqualTypeOf<Tensor<"int16">>();
  expectTypeOf(tensor.toZarrChunk().data).toEqualTypeOf<Int16Array>();
  expectTypeOf(tensor).toExtend<Tensor>();
  // @ts-expect-error: another array than the dtype's
  void (() => new Tensor({ data: new Int16Array(1), dtype: "float32", shape: [1, 1, 1, 1] }));
  // @ts-expect-error: three sizes
  void (() => new Tensor({ data: new Int16Array(1), dtype: "int16", shape: [1, 1, 1] }));
  // @ts-expect-error: four positions
  void (() => tensor.at(0, 0, 0));
  // @ts-expect-error: no such data type
  void (() => tensor.astype("float16"));
});

test("read is typed by the dtype that is asked for", () => {
  void (async () => {
    expectTypeOf(await backend.read()).toEqualTypeOf<Tensor>();
    expectTypeOf(await backend.read(0, { dtype: "float32" })).toEqualTypeOf<Tensor<"float32">>();
    expectTypeOf(await backend.toTensor({ dtype: "uint64" })).toEqualTypeOf<Tensor<"uint64">>();
    expectTypeOf((await backend.read(null, { dtype: "uint8" })).data).toEqualTypeOf<Uint8Array>();
    await backend.read("...", { dtype: "float32", out: new Float32Array(1) });
    await backend.read("...", { dtype: "float32", out: new Float32Array(new SharedArrayBuffer(4)) });
    // @ts-expect-error: `out` of another type than `dtype`
    await backend.read("...", { dtype: "float32", out: new Float64Array(1) });
  });
  expectTypeOf<ReadOptions["dtype"]>().toEqualTypeOf<DType | undefined>();
  expectTypeOf<ReadOptions<"int16">["out"]>().toEqualTypeOf<Int16Array | undefined>();
  // Options may be passed on as they came, undefined ones too.
  expectTypeOf<{ signal: undefined; scaled: undefined; out: undefined }>().toExtend<ReadOptions>();
});

test("indices", () => {
  expectTypeOf<0>().toExtend<Index>();
  expectTypeOf<null>().toExtend<Index>();
  expectTypeOf<"...">().toExtend<Index>();
  expectTypeOf<[0, null, "...", { start: 1; stop: null; step: -1 }]>().toExtend<Index>();
  expectTypeOf<":">().not.toExtend<Index>();
  expectTypeOf<[[0]]>().not.toExtend<Index>();
  expectTypeOf<undefined[]>().not.toExtend<Index>();
});

test("sources and requests", () => {
  expectTypeOf<Map<string, Uint8Array>>().toExtend<ZarrStore>();
  expectTypeOf<
    File | URL | Uint8Array | ArrayBuffer | Tensor<"int8"> | BackendRequest
  >().toExtend<ImageSource>();
  expectTypeOf<number>().not.toExtend<ImageSource>();
  expectTypeOf(createRequest).returns.toEqualTypeOf<BackendRequest>();
  expectTypeOf<BackendRequest["readerOptions"]>().toEqualTypeOf<Readonly<Record<string, unknown>>>();
  const frozen = createRequest("a.nii");
  // @ts-expect-error: a request is frozen
  void (() => (frozen.path = "b.nii"));
});

test("guards", () => {
  const value: unknown = null;
  if (isTensor(value)) expectTypeOf(value).toEqualTypeOf<Tensor>();
  if (isImageDataBackend(value)) expectTypeOf(value).toEqualTypeOf<ImageDataBackend>();
  if (isLazyImageError(value)) expectTypeOf(value).toEqualTypeOf<LazyImageError>();
  expectTypeOf<"ERR_OF_A_PLUGIN">().toExtend<LazyImageError["code"]>();
});

test("what authors write", () => {
  const shape: Shape4D = [1, 1, 1, 1];
  expectTypeOf(defineBackend).returns.toEqualTypeOf<ImageDataBackend>();
  expectTypeOf(defineBackend).parameter(0).extract<{ shape: Shape4D }>().toHaveProperty("readRegion");
  const lazy: LazyReader = { createBackend: () => backend };
  const simple: SimpleReader = async () => ({
    tensor: new Tensor({ data: new Uint8Array(1), dtype: "uint8", shape }),
    affine: [],
  });
  const descriptor: BackendDescriptor = { name: "mine", matches: () => true, open: async () => null };
  void noop([lazy, simple, descriptor]);
});
