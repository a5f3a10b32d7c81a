import {
  type BackendRequest,
  type ByteSource,
  createRequest,
  describeRequest,
  IDENTITY,
  type ImageSource,
  isByteSource,
  isLazyReader,
  isZarrStore,
  type RequestJSON,
  requestName,
  Tensor,
} from "@lazyimg/core";
import { describe, expect, test } from "vitest";

const tensor = new Tensor({ data: new Uint8Array(1), dtype: "uint8", shape: [1, 1, 1, 1] });
const bytes = new Uint8Array([1, 2, 3]);
const byteSource: ByteSource = {
  name: "scan.nii",
  gap: 0,
  size: async () => 0,
  read: async () => bytes,
  async *stream() {},
};
const store = new Map<string, Uint8Array>();
const reader = {
  createBackend(): never {
    throw new Error("not now");
  },
};
const invalid = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" });

describe("sources", () => {
  const file = new File([bytes], "scan.nii.gz");
  test.each<[string, unknown, Partial<BackendRequest>]>([
    ["a path", "/data/scan.nii", { path: "/data/scan.nii" }],
    ["a relative path", "scan.nii", { path: "scan.nii" }],
    ["a Windows path", "C:\\data\\scan.nii", { path: "C:\\data\\scan.nii" }],
    ["a Windows path to a Zarr", "C:/data/scan.zarr", { path: "C:/data/scan.zarr" }],
    ["a local Zarr", "/data/scan.ome.zarr/", { path: "/data/scan.ome.zarr/" }],
    ["a file URL", new URL("file:///data/scan.zarr"), { path: "file:///data/scan.zarr" }],
    ["a URL as text", "https://h/scan.nii?sig=a/b#c", { path: "https://h/scan.nii?sig=a/b#c" }],
    ["a URL", new URL("https://h/scan.nii"), { path: "https://h/scan.nii" }],
    ["a remote Zarr", "https://h/scan.nii.zarr", { remoteZarrUri: "https://h/scan.nii.zarr" }],
    ["one with slashes", "s3://b/scan.ZARR//", { remoteZarrUri: "s3://b/scan.ZARR" }],
    ["one in a container", "az://c/a/scan.ome.zarr/", { remoteZarrUri: "az://c/a/scan.ome.zarr" }],
    ["one with a query", "https://h/x.zarr/?sig=ab/", { remoteZarrUri: "https://h/x.zarr?sig=ab/" }],
    [
      "a query that ends in a slash",
      "https://h/x.zarr?sig=ab/",
      { remoteZarrUri: "https://h/x.zarr?sig=ab/" },
    ],
    ["an escaped name", "https://h/a%2Ezarr", { remoteZarrUri: "https://h/a%2Ezarr" }],
    ["a group inside a Zarr", "https://h/x.zarr/0", { path: "https://h/x.zarr/0" }],
    ["a Blob", file, { blob: file }],
    ["bytes", bytes, { bytes }],
    ["an ArrayBuffer", bytes.buffer, { bytes }],
    ["a Buffer", Buffer.from(bytes), { bytes: Buffer.from(bytes) }],
    ["a tensor", tensor, { tensor }],
    ["a byte source", byteSource, { byteSource }],
    ["a store", store, { zarrStore: store }],
    ["a store as a plain object", { get: store.get }, { zarrStore: { get: store.get } }],
    ["a lazy reader", reader, { reader }],
    ["a request by hand", { path: "scan.nii" }, { path: "scan.nii" }],
    ["a request by hand, remote", { path: "https://h/x.zarr/" }, { remoteZarrUri: "https://h/x.zarr" }],
    ["a request by hand, of a reader", { reader }, { reader }],
    ["a request without a prototype", Object.assign(Object.create(null), { bytes }), { bytes }],
  ])("%s", (_, source, expected) => {
    const request = createRequest(source as ImageSource);
    expect({ ...request }).toEqual({ ...expected, readerOptions: {} });
    expect(Object.isFrozen(request)).toBe(true);
    expect(Object.isFrozen(request.readerOptions)).toBe(true);
    // A request is a source too, and comes out as it went in.
    expect({ ...createRequest(request) }).toEqual({ ...request });
  });

  test("a source that also looks like a request is taken for what it is", () => {
    const withPath = { ...byteSource, path: "/data/scan.nii" };
    expect(createRequest(withPath)).toMatchObject({ byteSource: withPath });
    const storeWithPath = { get: store.get, path: "/data/x.zarr" };
    expect(createRequest(storeWithPath)).toMatchObject({ zarrStore: storeWithPath });
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["an empty path", ""],
    ["a number", 7],
    ["an empty object", {}],
    ["a request of nothing", { path: undefined }],
    ["a request of a number", { path: 7 }],
    ["a request of two sources", { path: "a.nii", bytes }],
    ["a function", () => null],
    ["an array", [1, 2]],
    ["another typed array", new Int16Array(2)],
    ["a promise", Promise.resolve("a.nii")],
  ])("refuses %s", (_, source) => {
    expect(() => createRequest(source as ImageSource)).toThrow(invalid);
  });
});

describe("options", () => {
  const sibling = async () => null;
  const options = { name: "a.nii", sibling, fetch, affine: IDENTITY, reader, readerOptions: { level: 1 } };

  test("are part of the request", () => {
    expect({ ...createRequest(bytes, options) }).toEqual({ bytes, ...options });
  });

  test("win over those of a request, and reader options are merged", () => {
    const base = createRequest(bytes, { ...options, readerOptions: { level: 1, cache: true } });
    const affine = [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1];
    const request = createRequest(base, { name: "b.nii", affine, readerOptions: { level: 2 } });
    expect(request).toMatchObject({
      name: "b.nii",
      affine,
      sibling,
      readerOptions: { level: 2, cache: true },
    });
    expect(base.name).toBe("a.nii");
  });

  test("what the caller changes later does not matter", () => {
    const readerOptions = { level: 1 };
    const affine = [...IDENTITY];
    const request = createRequest(bytes, { readerOptions, affine });
    readerOptions.level = 2;
    affine[0] = 5;
    expect(request).toMatchObject({ readerOptions: { level: 1 }, affine: IDENTITY });
    expect(Object.isFrozen(request.affine)).toBe(true);
  });

  test("an affine of another shape is refused, and rows are taken", () => {
    expect(() => createRequest(bytes, { affine: [1, 2, 3] })).toThrow(invalid);
    const rows = [0, 1, 2, 3].map((n) => IDENTITY.slice(4 * n, 4 * n + 4));
    expect(createRequest(bytes, { affine: rows }).affine).toEqual(IDENTITY);
  });

  test("what is undefined is not there", () => {
    const request = createRequest("a.nii", { name: undefined, affine: undefined });
    expect(Object.keys(request).sort()).toEqual(["path", "readerOptions"]);
  });
});

describe("toJSON", () => {
  const round = (request: BackendRequest) =>
    createRequest(JSON.parse(JSON.stringify(request)) as RequestJSON);

  test.each(["/data/scan.nii", "https://h/scan.nii?x=1", "s3://b/x.zarr/"])("%s comes back", (path) => {
    const request = createRequest(path, {
      name: "b.nii",
      affine: IDENTITY,
      readerOptions: { level: 1, a: [{ b: null }] },
    });
    expect(round(request)).toEqual(request);
    expect(Object.isFrozen(round(request))).toBe(true);
    expect(createRequest(structuredClone(request.toJSON()))).toEqual(request);
  });

  test.each<[string, ImageSource, object, RegExp]>([
    ["bytes", bytes, {}, /bytes/],
    ["a store", store, {}, /zarrStore/],
    ["a tensor", tensor, {}, /tensor/],
    ["a fetch function", "a.nii", { fetch }, /fetch/],
    ["a reader", "a.nii", { reader }, /createBackend/],
    ["a function among the reader options", "a.nii", { readerOptions: { token: () => "" } }, /token/],
    ["a bigint among them", "a.nii", { readerOptions: { n: 1n } }, /\bn\b/],
    ["NaN among them", "a.nii", { readerOptions: { deep: [Number.NaN] } }, /plain/],
    ["a Date among them", "a.nii", { readerOptions: { since: new Date() } }, /since/],
    ["a typed array among them", "a.nii", { readerOptions: { mask: new Uint8Array(2) } }, /mask/],
  ])("refuses %s", (_, source, options, message) => {
    const request = createRequest(source, options);
    expect(() => request.toJSON()).toThrow(invalid);
    expect(() => request.toJSON()).toThrow(message);
  });
});

describe("requestName", () => {
  test.each<[string, ImageSource, object, string | undefined]>([
    ["of a path", "/data/scan.nii", {}, "scan.nii"],
    ["of a folder", "/data/x.zarr/", {}, "x.zarr"],
    ["of a Windows path", "C:\\data\\scan.nii", {}, "scan.nii"],
    ["of a URL", "https://h/a/scan.nii.gz?x=/b.nrrd#c.mha", {}, "scan.nii.gz"],
    ["of a URL with escapes", "https://h/my%20scan%2Enii", {}, "my scan.nii"],
    ["of a URL with a broken escape", "https://h/scan%ZZ.nii", {}, "scan%ZZ.nii"],
    ["of a path that only looks escaped", "/data/100%25.nii", {}, "100%25.nii"],
    ["of a path with a hash", "/data/scan#2?.nii", {}, "scan#2?.nii"],
    ["of a remote Zarr", "s3://b/x.zarr/", {}, "x.zarr"],
    ["of a File", new File([], "scan.nii"), {}, "scan.nii"],
    ["of a Blob", new Blob([]), {}, undefined],
    ["of a byte source", byteSource, {}, "scan.nii"],
    ["of bytes", bytes, {}, undefined],
    ["that was given", "https://h/download?id=7", { name: "scan.nii" }, "scan.nii"],
  ])("%s", (_, source, options, name) => {
    expect(requestName(createRequest(source, options))).toBe(name);
  });
});

describe("describeRequest", () => {
  test.each<[ImageSource, object, string]>([
    ["/data/scan.nii", {}, "/data/scan.nii"],
    ["/data/what?.nii", {}, "/data/what?.nii"],
    ["https://h/scan.nii?X-Signature=secret#part", {}, "https://h/scan.nii"],
    ["s3://b/x.zarr?token=secret", {}, "s3://b/x.zarr"],
    [bytes, {}, "a source (bytes)"],
    [bytes, { name: "scan.nii" }, "scan.nii (bytes)"],
    [new File([], "scan.nii"), {}, "scan.nii (blob)"],
    [reader, {}, "a source (reader)"],
  ])("%s", (source, options, expected) => {
    expect(describeRequest(createRequest(source, options))).toBe(expected);
  });
});

describe("structural checks", () => {
  test("isByteSource", () => {
    expect(isByteSource(byteSource)).toBe(true);
    for (const part of ["gap", "size", "read", "stream"] as const) {
      expect(isByteSource({ ...byteSource, [part]: undefined })).toBe(false);
    }
    expect([isByteSource(null), isByteSource(undefined), isByteSource("x")]).toEqual([false, false, false]);
  });

  test("isZarrStore", () => {
    expect([isZarrStore(store), isZarrStore({ get() {} })]).toEqual([true, true]);
    expect([isZarrStore(null), isZarrStore({}), isZarrStore("x"), isZarrStore({ get: 1 })]).not.toContain(
      true,
    );
  });

  test("isLazyReader", () => {
    expect(isLazyReader(reader)).toBe(true);
    expect(isLazyReader(Object.assign(() => null, reader))).toBe(true);
    expect([null, undefined, {}, () => null, "x", { createBackend: 1 }].some(isLazyReader)).toBe(false);
  });
});
