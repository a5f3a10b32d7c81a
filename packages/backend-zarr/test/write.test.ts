import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { niftiZarr, type ZarrNiftiHeader, zarrStore } from "@lazyimg/backend-zarr/backend";
import { writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { createRequest, type ImageDataBackend, resolveWriter, slice, type Tensor } from "@lazyimg/core";
import { volume } from "@lazyimg/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { countChanges, signalAt } from "../../../tests/support/signal-at.js";
import { files, images } from "./golden.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lazyimg-zarr-"));
});
afterAll(() => rm(folder, { recursive: true }));

const open = async (
  source: string | Map<string, Uint8Array>,
  readerOptions = {},
): Promise<ImageDataBackend> => {
  const request = createRequest(source, { readerOptions });
  return (await (typeof source === "string" ? niftiZarr : zarrStore).open(request, {}))!;
};

const example = () => {
  const { tensor, affine } = volume({ dtype: "int16", shape: [1, 19, 14, 11] });
  return { tensor, image: tensorBackend(tensor, affine) };
};

const dense = (tensor: Tensor) => tensor.copy("C").data;

describe("writing again what niizarr wrote", () => {
  const names = Object.keys(images).filter((name) => name.startsWith("niizarr"));
  test.each(names)("%s: voxels, scaling and header bytes are the same", async (name) => {
    const source = await open(files(name));
    const target = new Map<string, Uint8Array>();
    await writeNiftiZarr(source, target, { chunk: 8, zarrFormat: name.includes("v2") ? 3 : 2 });
    const copy = await open(target);
    expect(dense(await copy.read(null, { scaled: false }))).toEqual(
      dense(await source.read(null, { scaled: false })),
    );
    expect(dense(await copy.toTensor())).toEqual(dense(await source.toTensor()));
    expect(copy.affine).toEqual(source.affine);
    expect(copy.affineSource).toBe(source.affineSource);
    expect((copy.header as ZarrNiftiHeader).bytes).toEqual((source.header as ZarrNiftiHeader).bytes);
  });
});

describe("a pyramid", () => {
  test("halves every axis, rounded up, and means whole numbers to the nearest even", async () => {
    const { tensor, image } = example();
    const target = new Map<string, Uint8Array>();
    await writeNiftiZarr(image, target, { chunk: 8, levels: 2 });
    const level = await (await open(target, { level: 1 })).toTensor();
    expect(level.shape).toEqual([1, 10, 7, 6]);
    for (const [i, j, k] of [
      [0, 0, 0],
      [9, 6, 5],
      [4, 3, 2],
    ] as const) {
      const block = tensor
        .slice([0, slice(2 * i, 2 * i + 2), slice(2 * j, 2 * j + 2), slice(2 * k, 2 * k + 2)])
        .copy();
      const mean = [...(block.data as Int16Array)].reduce((a, b) => a + b, 0) / block.size;
      const floor = Math.floor(mean);
      const even = mean - floor === 0.5 ? floor + (floor & 1) : Math.round(mean);
      expect(level.at(0, i, j, k)).toBe(even);
    }
  });

  test("takes labels by majority", async () => {
    const { image } = example();
    const target = new Map<string, Uint8Array>();
    await writeNiftiZarr(image, target, { chunk: 8, levels: 2, downsample: "mode" });
    const all = new Set(dense(await (await open(target)).toTensor()) as Int16Array);
    const level = dense(await (await open(target, { level: 1 })).toTensor()) as Int16Array;
    expect(level.every((value) => all.has(value))).toBe(true);
  });

  test("has its levels where the voxels are", async () => {
    const { image } = example();
    const target = new Map<string, Uint8Array>();
    await writeNiftiZarr(image, target, { chunk: 4 });
    const { levels } = await open(target);
    // 19 voxels in chunks of 4 need four levels.
    expect(levels!.map(({ shape }) => shape[1])).toEqual([19, 10, 5, 3]);
    const [first, second] = levels!;
    for (let row = 0; row < 12; row += 4) {
      const [a, b, c, d] = first!.affine.slice(row, row + 4) as [number, number, number, number];
      expect(second!.affine[row]).toBeCloseTo(2 * a, 9);
      expect(second!.affine[row + 3]).toBeCloseTo(d + (a + b + c) / 2, 9);
    }
  });
});

test("rows are read one after the other: what is held does not grow with the image", async () => {
  const { image } = example();
  const sizes: number[] = [];
  const watched: ImageDataBackend = {
    ...image,
    async read(index, options) {
      const tensor = await image.read(index, options);
      sizes.push(tensor.shape[3]);
      return tensor;
    },
  };
  await writeNiftiZarr(watched, new Map(), { chunk: 4, levels: 1 });
  expect(sizes).toEqual([4, 4, 3]);
});

describe("a directory", () => {
  test("is refused when it exists, and replaced with force", async () => {
    const { image } = example();
    const out = join(folder, "exists.nii.zarr");
    await writeNiftiZarr(image, out, { chunk: 8 });
    await expect(writeNiftiZarr(image, out)).rejects.toMatchObject({ code: "ERR_EXISTS" });
    await writeNiftiZarr(image, out, { force: true, zarrFormat: 2 });
    expect(existsSync(join(out, ".zgroup"))).toBe(true);
    expect(readdirSync(folder).filter((name) => name.startsWith("exists"))).toEqual(["exists.nii.zarr"]);
  });

  test("is written by the registered writer", async () => {
    await import("@lazyimg/backend-zarr");
    const out = join(folder, "saved.nii.zarr/");
    await resolveWriter(out)!(example().image, out, { chunk: 8 });
    expect((await open(out)).shape).toEqual([1, 19, 14, 11]);
    const remote = "https://example.org/a.zarr";
    await expect(resolveWriter(remote)!(example().image, remote, {})).rejects.toMatchObject({
      code: "ERR_UNSUPPORTED",
      message: expect.stringContaining("Nothing is written to https://example.org/a.zarr"),
    });
  });

  test("is not there after an abort, which leaves what is done for resume", async () => {
    const { image, tensor } = example();
    const out = join(folder, "aborted.nii.zarr");
    const controller = new AbortController();
    const reason = new Error("stop");
    let calls = 0;
    const writing = writeNiftiZarr(image, out, {
      chunk: 4,
      signal: controller.signal,
      onProgress: () => {
        if (++calls === 2) controller.abort(reason);
      },
    });
    await expect(writing).rejects.toBe(reason);
    expect(existsSync(out)).toBe(false);
    await expect(writeNiftiZarr(image, out, { chunk: 8, resume: true })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
    let reads = 0;
    const counted: ImageDataBackend = {
      ...image,
      read(index, options) {
        reads++;
        return image.read(index, options);
      },
    };
    await writeNiftiZarr(counted, out, { chunk: 4, resume: true });
    expect(reads).toBe(1);
    expect(dense(await (await open(out)).toTensor())).toEqual(tensor.data);
    expect(existsSync(`${out}.partial`)).toBe(false);
  });

  test("is not there after an error, and nothing else either", async () => {
    const { image } = example();
    const out = join(folder, "failed.nii.zarr");
    const failing: ImageDataBackend = { ...image, read: () => Promise.reject(new Error("broken source")) };
    await expect(writeNiftiZarr(failing, out)).rejects.toThrow("broken source");
    expect(readdirSync(folder).filter((name) => name.startsWith("failed"))).toEqual([]);
  });
});

// A hundred of them: LAZYIMG_KILLS=100.
const KILLS = Number(process.env.LAZYIMG_KILLS ?? 12);

test(
  "kill -9 leaves nothing or all of it, and resume goes on",
  async () => {
    const script = fileURLToPath(new URL("killed.mjs", import.meta.url));
    const whole = join(folder, "whole.nii.zarr");
    const { stdout, changes } = await countChanges([script, whole]);
    expect(stdout).toBe("reads 8\n");
    const expected = dense(await (await open(whole)).toTensor());
    const coarse = dense(await (await open(whole, { level: 2 })).toTensor());
    const out = join(folder, "killed.nii.zarr");
    for (let n = 1; n <= KILLS; n++) {
      // All along the way; the last one is when it is put in its place.
      const change = Math.ceil((n * changes) / KILLS);
      const first = await signalAt(change, "SIGKILL", [script, out]);
      // Folders are made by whoever comes first: there may be one more, or one less.
      if (change < 0.9 * changes) expect([first.signal, existsSync(out)]).toEqual(["SIGKILL", false]);
      if (!existsSync(out)) {
        const second = await signalAt(1 + (n % 4), "SIGKILL", [script, out, "resume"]);
        expect([second.signal, existsSync(out)]).toEqual(["SIGKILL", false]);
        const { code, stdout } = await signalAt(0, "SIGKILL", [script, out, "resume"]);
        expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^reads \d\n$/) });
      }
      expect(dense(await (await open(out)).toTensor())).toEqual(expected);
      expect(dense(await (await open(out, { level: 2 })).toTensor())).toEqual(coarse);
      expect(readdirSync(out).sort()).toEqual(["0", "1", "2", "nifti", "zarr.json"]);
      rmSync(out, { recursive: true });
    }
  },
  KILLS * 60_000,
);

test.each([
  { zarrFormat: 4 },
  { chunk: 0 },
  { chunk: [1, 2] },
  { shard: 100 },
  { shard: 64, zarrFormat: 2 },
  { codec: "lzw" },
  { levels: 0 },
  { downsample: "max" },
  { codec: "gzip", compressionLevel: 22 },
])("options %o are refused", async (options) => {
  await expect(writeNiftiZarr(example().image, new Map(), options as never)).rejects.toMatchObject({
    code: "ERR_INVALID_ARGUMENT",
  });
});

test("metadata are the text that other readers expect", async () => {
  const out = join(folder, "text.nii.zarr");
  await writeNiftiZarr(example().image, out, { chunk: 8, levels: 1 });
  const meta = JSON.parse(readFileSync(join(out, "zarr.json"), "utf8"));
  expect(meta.attributes.ome.version).toBe("0.5");
  expect(meta.attributes.ome.multiscales[0].axes.map(({ name }: { name: string }) => name)).toEqual([
    "z",
    "y",
    "x",
  ]);
});
