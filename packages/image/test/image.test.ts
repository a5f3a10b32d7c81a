import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nifti } from "@lazyimg/backend-nifti";
import { bytesSource, fileSource } from "@lazyimg/byte-source";
import {
  type Affine,
  type BackendDescriptor,
  createAffine,
  createRequest,
  defineBackend,
  type ImageDataBackend,
  type LazyReader,
  registerBackend,
  type SimpleReader,
  slice,
  type Tensor,
  unregisterBackend,
  type Vector3,
} from "@lazyimg/core";
import { applyAffine, Image, openImage } from "@lazyimg/image";
import { lazyReader } from "@lazyimg/reader-lazy";
import { backendSuite, countingSource, volume } from "@lazyimg/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hashOf } from "../../../tests/support/golden.js";

const { tensor, affine } = volume({ dtype: "int16", shape: [2, 6, 7, 8] });

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lazyimg-image-"));
  path = join(folder, "image.nii");
  await (await openImage(tensor, { affine })).save(path);
});
afterAll(() => rm(folder, { recursive: true }));

const backends = [nifti];

async function counted() {
  const source = countingSource(fileSource(path));
  const image = await openImage(source, { backends });
  source.reset();
  return { source, image };
}

describe("opening", () => {
  test("from a path, a file URL, a Blob, bytes, a byte source, a request, plain data of one, a tensor and a backend", async () => {
    const { readFile } = await import("node:fs/promises");
    const { pathToFileURL } = await import("node:url");
    const bytes = await readFile(path);
    const sources = [
      path,
      pathToFileURL(path),
      new Blob([bytes]),
      new File([bytes], "image.nii"),
      new Uint8Array(bytes),
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer,
      bytesSource(bytes),
      createRequest(path),
      createRequest(path).toJSON(),
      tensor,
    ];
    for (const source of sources) {
      const image = await openImage(source);
      expect(image.shape).toEqual(tensor.shape);
      expect(hashOf(await image.read())).toBe(hashOf(tensor));
      await image.close();
    }
    const backend = (await openImage(path)).dataobj;
    expect((await openImage(backend)).dataobj).toBe(backend);
  });

  test("tells metadata", async () => {
    const image = await openImage(path, { backends });
    expect(image.shape).toEqual([2, 6, 7, 8]);
    expect(image.spatialShape).toEqual([6, 7, 8]);
    expect(image.numChannels).toBe(2);
    expect(image.dtype).toBe("int16");
    expect(image.valueDtype).toBe("int16");
    expect(image.memory).toBe(2 * 6 * 7 * 8 * 2);
    expect(image.origin).toEqual([affine[3], affine[7], affine[11]]);
    expect(image.spacing[0]).toBeCloseTo(Math.hypot(affine[0]!, affine[4]!, affine[8]!), 12);
    expect(image.orientation).toBe("LAS");
    expect(image.affineSource).toBe("sform");
    expect(image.isLoaded).toBe(false);
    expect(String(image)).toBe(
      "Image(shape: (2, 6, 7, 8); spacing: (1.89, 2.31, 3.16); orientation: LAS+; dtype: int16; memory: 0.0 MiB; not loaded)",
    );
    await image.close();
  });

  test("an affine that is given is the image's and its backend's", async () => {
    const other = [2, 0, 0, 1, 0, 2, 0, 2, 0, 0, 2, 3, 0, 0, 0, 1];
    const image = await openImage(path, { affine: other });
    expect(image.affine).toEqual(other);
    expect(image.dataobj.affine).toEqual(other);
    expect(image.affineSource).toBe("override");
    await expect(openImage(path, { affine: [1, 2, 3] })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
    await expect(openImage(path, { affine: [...other.slice(0, 15), 2] })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
  });

  test("an unknown source names what was tried and the package to install", async () => {
    await expect(openImage(join(folder, "picture.png"))).rejects.toMatchObject({ code: "ERR_NO_BACKEND" });
    await expect(openImage("scan.nii.gz", { backends: [] })).rejects.toThrow(
      /npm install @lazyimg\/backend-nifti/,
    );
    await expect(openImage("https://example.org/a.nii.zarr/", { backends })).rejects.toThrow(
      /tried nifti.*@lazyimg\/backend-zarr/,
    );
    await expect(openImage(join(folder, "absent.nii"), { backends })).rejects.toMatchObject({
      code: "ERR_NOT_FOUND",
    });
    await expect(openImage(folder, { backends, name: "folder.nii" })).rejects.toMatchObject({
      name: "LazyImageError",
    });
    await expect(openImage(42 as never)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });

  test("can be aborted", async () => {
    const reason = new Error("changed my mind");
    await expect(openImage(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const source = countingSource(fileSource(path));
    const held = source.hold();
    const controller = new AbortController();
    const opening = openImage(source, { backends, signal: controller.signal });
    await held.reached;
    controller.abort(reason);
    await expect(opening).rejects.toBe(reason);
    held.release();
  });

  test("the image resolves once, and a custom backend comes before the built-ins", async () => {
    let asked = 0;
    registerBackend(
      "mine",
      () => true,
      () => {
        asked++;
        return defineBackend({
          shape: tensor.shape,
          affine,
          dtype: "int16",
          readRegion: async () => tensor.copy(),
        });
      },
    );
    try {
      const image = await openImage(path);
      await image.read();
      await image.load();
      image.slice([0]);
      expect(asked).toBe(1);
    } finally {
      unregisterBackend("mine");
    }
  });
});

describe("readers", () => {
  const simple: SimpleReader = async (request) => {
    expect(request.path).toBe("anything.xyz");
    return { tensor, affine };
  };

  test("a simple reader loads at once", async () => {
    const image = await openImage("anything.xyz", { reader: simple });
    expect(image.isLoaded).toBe(true);
    expect(image.affine).toEqual(affine);
    expect(await image.load()).toBe(tensor);
  });

  test("a lazy reader is asked region by region, and the full load still works", async () => {
    const ranges: number[] = [];
    const reader: LazyReader = {
      createBackend: (request) => {
        expect(request.readerOptions).toEqual({ speed: 3 });
        return defineBackend({
          shape: tensor.shape,
          affine,
          dtype: "int16",
          strided: true,
          readRegion: async (range) => {
            ranges.push(range[3].size);
            return tensor
              .slice(range.map(({ start, step, size }) => ({ start, stop: start + step * size, step })))
              .copy();
          },
        });
      },
    };
    const image = await openImage("anything.xyz", {
      reader,
      readerOptions: { speed: 3 },
      backends: [lazyReader],
    });
    expect(image.shape).toEqual(tensor.shape);
    expect(ranges).toEqual([]);
    expect((await image.read([null, null, null, 3])).shape).toEqual([2, 6, 7, 1]);
    expect(ranges).toEqual([1]);
    expect(hashOf(await image.load())).toBe(hashOf(tensor));
    // The reader itself is a source too.
    expect((await openImage(reader, { readerOptions: { speed: 3 }, backends: [lazyReader] })).shape).toEqual(
      tensor.shape,
    );
  });

  test("a lazy reader without its backend says what to import", async () => {
    const reader: LazyReader = { createBackend: () => Promise.reject(new Error("not asked")) };
    await expect(openImage("a.xyz", { reader, backends: [] })).rejects.toThrow(/@lazyimg\/reader-lazy/);
  });
});

describe("lazy views", () => {
  test("a slice reads nothing, moves the origin, scales the spacing and stays unloaded", async () => {
    const { source, image } = await counted();
    const part = image.slice([1, slice(1, 5, 2), slice(null, null, -1), slice(2, null)]);
    const again = part.slice([null, slice(1, null), slice(2, 4)]);
    expect(source.requests).toBe(0);
    expect(part.isLoaded).toBe(false);
    expect(part.shape).toEqual([1, 2, 7, 6]);
    expect(part.origin).toEqual(applyAffine(affine, [1, 6, 2]));
    expect(part.spacing[0]).toBeCloseTo(2 * image.spacing[0], 12);
    expect(again.shape).toEqual([1, 1, 2, 6]);
    // The same voxel is at the same place, however it is reached.
    again.voxelToWorld([0, 1, 2]).forEach((value, n) => {
      expect(value).toBeCloseTo(image.voxelToWorld([3, 3, 4])[n]!, 10);
    });
    expect((await again.read()).at(0, 0, 1, 2)).toBe(tensor.at(1, 3, 3, 4));
    expect(image.explain([1])!.bytes).toBeGreaterThan(again.explain()!.bytes);
  });

  test("world and voxel are each other's inverse", async () => {
    const image = await openImage(tensor, { affine });
    const world = image.voxelToWorld([1.5, 2, 3]);
    expect(image.worldToVoxel(world)).toEqual([1.5, 2, 3].map((value) => expect.closeTo(value, 10)));
  });

  test("to() converts as it is read", async () => {
    const { image } = await counted();
    const cast = image.to("uint8");
    expect(cast.dtype).toBe("uint8");
    expect(cast.dataobj.dtype).toBe("uint8");
    expect(image.dtype).toBe("int16");
    expect(hashOf(await cast.read([0, slice(2)]))).toBe(hashOf(tensor.slice([0, slice(2)]).astype("uint8")));
  });

  /** The affine of voxels that begin at one of the image's, with steps along I, J and K in voxels of its. */
  function stepping(start: Vector3, ...steps: readonly [Vector3, Vector3, Vector3]): Affine {
    const origin = applyAffine(affine, start);
    // Each step is along one axis, so that nothing is rounded.
    const along = (row: number) =>
      steps.map((step) => step.reduce((sum, n, axis) => sum + n * affine[4 * row + axis]!, 0));
    const rows = [0, 1, 2].map((row) => [...along(row), origin[row]!]);
    return createAffine([...rows.flat(), 0, 0, 0, 1]);
  }

  const views: Record<string, { make(image: Image): Image; expected: typeof tensor; affine: Affine }> = {
    crop: {
      make: (image) => image.slice([null, slice(1, 4), slice(null, null, -2)]),
      expected: tensor.slice([null, slice(1, 4), slice(null, null, -2)]),
      affine: stepping([1, 6, 0], [1, 0, 0], [0, -2, 0], [0, 0, 1]),
    },
    "crop of a crop": {
      make: (image) => image.slice([1, slice(1, 6)]).slice([null, slice(null, null, -2), slice(2, 6)]),
      expected: tensor.slice([1, slice(5, 0, -2), slice(2, 6)]),
      affine: stepping([5, 2, 0], [-2, 0, 0], [0, 1, 0], [0, 0, 1]),
    },
  };
  describe.each(Object.entries(views))("%s", (_, { make, expected, affine }) => {
    backendSuite({
      test,
      create: async () => {
        const source = countingSource(bytesSource(await padded(), { name: "image.nii" }));
        const image = make(await openImage(source, { backends }));
        return { backend: withClose(image), source, expected: expected.copy(), affine };
      },
    });
  });
  describe("reoriented", () => {
    backendSuite({
      test,
      create: async () => {
        const source = countingSource(bytesSource(await padded(), { name: "image.nii" }));
        const image = (await openImage(source, { backends })).toOrientation("SPL");
        // Axes K, J, I; A turned to P. ("LAS" is how it lies.)
        const turned = tensor.slice([null, null, slice(null, null, -1)]);
        const [c, i, j, k] = turned.shape;
        const expected = volume({ dtype: "int16", shape: [c, k, j, i] }).tensor;
        for (let n = 0; n < c; n++)
          for (let x = 0; x < k; x++)
            for (let y = 0; y < j; y++)
              for (let z = 0; z < i; z++)
                expected.data[((n * k + x) * j + y) * i + z] = turned.at(n, z, y, x);
        const places = stepping([0, j - 1, 0], [0, 0, 1], [0, -1, 0], [1, 0, 0]);
        return { backend: withClose(image), source, expected, affine: places };
      },
    });
  });
  describe("cast", () => {
    backendSuite({
      test,
      create: async () => {
        const source = countingSource(bytesSource(await padded(), { name: "image.nii" }));
        const image = (await openImage(source, { backends })).to("float32");
        return { backend: withClose(image), source, expected: tensor.astype("float32"), affine };
      },
    });
  });

  async function padded(): Promise<Uint8Array> {
    const { readFile } = await import("node:fs/promises");
    return Buffer.concat([await readFile(path), Buffer.alloc(8192)]);
  }

  /** An image as a backend: it is what people hold, and follows the protocol. */
  function withClose(image: Image): ImageDataBackend {
    const { shape, affine, dtype } = image;
    return {
      shape,
      affine,
      dtype,
      read: (index, options) => image.read(index, options),
      toTensor: (options) => image.read(undefined, options),
      explain: (index, options) => image.explain(index, options)!,
      close: () => image.close(),
    };
  }
});

describe("loading", () => {
  test("reads once and gives the same tensor; reads after it come from memory, as copies", async () => {
    const { source, image } = await counted();
    const [a, b] = await Promise.all([image.load(), image.load()]);
    expect(a).toBe(b);
    expect(await image.load()).toBe(a);
    expect(image.isLoaded).toBe(true);
    const { requests } = source;
    const region = await image.read([0, 1]);
    expect(source.requests).toBe(requests);
    (region as Tensor<"int16">).data.fill(0);
    expect(hashOf(await image.load())).toBe(hashOf(tensor));
    expect(hashOf(await image.slice([1]).read())).toBe(hashOf(tensor.slice([1])));
    expect(source.requests).toBe(requests);
  });

  test("one reader's abort does not fail another's; what was aborted or failed may be tried again", async () => {
    const { source, image } = await counted();
    const held = source.hold();
    const controller = new AbortController();
    const first = image.load({ signal: controller.signal });
    const second = image.load();
    await held.reached;
    controller.abort(new Error("first leaves"));
    await expect(first).rejects.toThrow("first leaves");
    held.release();
    expect(hashOf(await second)).toBe(hashOf(tensor));

    const again = (await counted()).image;
    await expect(again.load({ signal: AbortSignal.abort("now") })).rejects.toBe("now");
    expect(hashOf(await again.load())).toBe(hashOf(tensor));
  });

  test("setData replaces the voxels and keeps the affine from disk", async () => {
    const { image } = await counted();
    const other = volume({ dtype: "float32", shape: [1, 3, 3, 3] }).tensor;
    await image.setData(other);
    expect(image.dataobj.shape).toEqual([1, 3, 3, 3]);
    expect(image.dtype).toBe("float32");
    expect(image.affine).toEqual(affine);
    expect(await image.load()).toBe(other);
    const memory = await openImage(tensor);
    expect(memory.isLoaded).toBe(true);
    await memory.setData(other);
    expect(memory.affine).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
  });

  test("reads into the caller's array, shared ones too", async () => {
    const { image } = await counted();
    const out = new Int16Array(new SharedArrayBuffer(6 * 7 * 8 * 2));
    const result = await image.read([1], { out });
    expect(result.data).toBe(out);
    expect(hashOf(result)).toBe(hashOf(tensor.slice([1])));
    await expect(image.read([1], { out: new Int16Array(3) })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
  });
});

describe("closing", () => {
  test("happens with the last image that shares the file, and only for what openImage opened", async () => {
    let closed = 0;
    const backend: BackendDescriptor = {
      name: "closing",
      matches: () => true,
      open: () =>
        defineBackend({
          shape: tensor.shape,
          affine,
          dtype: "int16",
          readRegion: async (range) =>
            tensor.slice(range.map(({ start, size }) => slice(start, start + size))).copy(),
          close: async () => void closed++,
        }),
    };
    const image = await openImage("x", { backends: [backend] });
    const part = image.slice([0]);
    await image.close();
    await image.close();
    expect(closed).toBe(0);
    await expect(image.read()).rejects.toMatchObject({ code: "ERR_CLOSED" });
    expect(() => image.slice([0])).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
    expect((await part.read([0, 0, 0, 0])).size).toBe(1);
    await part.close();
    expect(closed).toBe(1);

    const source = countingSource(fileSource(path));
    await (await openImage(source, { backends })).close();
    expect(source.closed).toBe(false);
    const own = (await openImage(path)).dataobj;
    await (await openImage(own)).close();
    expect((await own.read([0, 0, 0, 0])).size).toBe(1);
  });

  test.runIf(Symbol.asyncDispose)("await using closes", async () => {
    const image = await openImage(path, { backends });
    await image[Symbol.asyncDispose]();
    await expect(image.read()).rejects.toMatchObject({ code: "ERR_CLOSED" });
    expect(image).toBeInstanceOf(Image);
  });
});
