import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { niftiZarr, type ZarrNiftiHeader, zarrStore } from "@lazyimg/backend-zarr/backend";
import {
  createRequest,
  type ImageDataBackend,
  type ImageSource,
  resolveBackend,
  slice,
  type Tensor,
} from "@lazyimg/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { archive, files, images, voxels } from "./golden.js";

const backends = [niftiZarr, zarrStore];

async function open(source: ImageSource, readerOptions = {}): Promise<ImageDataBackend> {
  const image = await resolveBackend(createRequest(source, { name: "image.zarr.zip", readerOptions }), {
    backends,
  });
  return image!;
}

function expectSame(found: Tensor, wanted: Tensor): void {
  expect(found.shape).toEqual(wanted.shape);
  expect(found.dtype).toBe(wanted.dtype);
  expect(Buffer.compare(bytes(found.contiguous("C")), bytes(wanted))).toBe(0);
}

const bytes = ({ data }: Tensor): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

/** niizarr keeps affines in float32. */
function expectAffine(found: readonly number[], wanted: readonly number[]): void {
  for (const [n, value] of wanted.entries()) expect(Math.abs(found[n]! - value)).toBeLessThan(1e-5);
}

describe.each(Object.entries(images))("%s", (name, image) => {
  test("gives what lies at steps along every axis, C too", async () => {
    const backend = await open(files(name));
    const all = voxels(image.raw);
    for (let n = 1; n < 12; n++) {
      const index = all.shape.map((size, axis) => {
        const step = 1 + ((n * (axis + 1)) % 5);
        const start = (n * 7) % Math.ceil(size / 2);
        return n % 3 === axis % 3 ? slice(null, null, -step) : slice(start, null, step);
      });
      const found = await backend.read(index, { scaled: false });
      expectSame(found, all.slice(index).contiguous("C"));
    }
    await backend.close?.();
  });

  test("has Python's voxels, affine and header, out of an archive", async () => {
    const backend = await open(archive(name));
    expectSame(await backend.read(null, { scaled: false }), voxels(image.raw));
    if (image.scaled !== undefined) expectSame(await backend.toTensor(), voxels(image.scaled));
    for (const [level, affine] of image.affines?.entries() ?? [])
      expectAffine(backend.levels![level]!.affine, affine);
    if (image.affines !== undefined) expect(backend.levels).toHaveLength(image.affines.length);
    if (image.affineSource !== undefined) expect(backend.affineSource).toBe(image.affineSource);
    if (image.header !== undefined) {
      expect(Buffer.from((backend.header as ZarrNiftiHeader).bytes).toString("base64")).toBe(image.header);
    }
    await backend.close?.();
  });

  test("is the same out of a Map, in parts, twice", async () => {
    const backend = await open(files(name));
    const wanted = voxels(image.raw);
    const [, i, j, k] = backend.shape;
    const parts = [
      ["...", Math.floor(k / 2)],
      [null, Math.floor(i / 2)],
      [
        null,
        { start: 1, stop: i - 1, step: 2 },
        { start: null, stop: null, step: -1 },
        { start: 2, stop: 4, step: 1 },
      ],
      [-1, { start: 1, stop: i, step: null }, { start: 0, stop: j - 1, step: null }],
    ] as const;
    for (const part of [...parts, ...parts, ...parts]) {
      expectSame(await backend.read(part, { scaled: false }), wanted.slice(part).copy("C"));
    }
  });
});

describe("a directory", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lazyimg-zarr-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each(Object.keys(images).filter((name) => /niizarr|sharded|fill|consolidated|delta/.test(name)))(
    "%s",
    async (name) => {
      const directory = join(folder, `${name}.zarr`);
      for (const [key, content] of files(name)) {
        await mkdir(dirname(join(directory, key)), { recursive: true });
        await writeFile(join(directory, key), content);
      }
      const backend = (await resolveBackend(createRequest(`${directory}/`), { backends }))!;
      expectSame(await backend.read(null, { scaled: false }), voxels(images[name]!.raw));
    },
  );
});

test("levels have their own voxels, shapes and affines", async () => {
  const finest = await open(archive("niizarr-v3-blosc"));
  const coarse = await open(archive("niizarr-v3-blosc"), { level: 1 });
  expect(coarse.shape).toEqual(finest.levels![1]!.shape);
  expect(coarse.affine).toEqual(finest.levels![1]!.affine);
  expect((await coarse.toTensor()).shape).toEqual(coarse.shape);
  await expect(open(archive("niizarr-v3-blosc"), { level: 3 })).rejects.toMatchObject({
    code: "ERR_INVALID_ARGUMENT",
  });
});

test("float16 becomes float32, and what is read can be filled into the caller's memory", async () => {
  const backend = await open(archive("v3-dtype-float16"));
  expect(backend.dtype).toBe("float32");
  const out = new Float32Array(7 * 10 * 13);
  const tensor = await backend.read(null, { out });
  expect(tensor.data).toBe(out);
  expectSame(tensor, voxels(images["v3-dtype-float16"]!.raw));
});
