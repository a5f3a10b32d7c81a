import { readdirSync, readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { Image, openImage, sizeOf, Tensor } from "lazyimg";
import { describe, expect, it } from "vitest";
import { writeNpy } from "../src/cli/read.js";
import {
  GOLDEN,
  goldenCase,
  goldenSample,
  lazyimg,
  lazyimgJson,
  PHANTOM,
  temporaryFolder,
} from "./command.js";
import { readNpy, sha256Of } from "./npy.js";

const folder = temporaryFolder();

describe("lazyimg read", () => {
  it.each(goldenSample(16))(
    "writes all of $name as numpy has it",
    async ({ name, shape, scaled, valueDtype }) => {
      const output = join(folder, `${name.replace(/\W/g, "-")}.npy`);
      const told = await lazyimgJson("read", join(GOLDEN, name), "-o", output);
      expect(told).toMatchObject({ output, shape, dtype: valueDtype });
      const tensor = readNpy(output);
      expect({ shape: tensor.shape, dtype: tensor.dtype }).toEqual({ shape, dtype: scaled.dtype });
      expect(sha256Of(tensor)).toBe(scaled.sha256);
    },
  );

  it("writes what is stored with --raw", async () => {
    const golden = goldenSample(400).find(
      ({ slope, dtype }) => slope !== null && slope !== 1 && dtype === "int16",
    )!;
    const output = join(folder, "raw.npy");
    await lazyimgJson("read", join(GOLDEN, golden.name), "--raw", "-o", output);
    expect(golden.raw.sha256).not.toBe(golden.scaled.sha256);
    expect(sha256Of(readNpy(output))).toBe(golden.raw.sha256);
  });

  it.each([
    [":,10:20,...,::2", [1, 10, 150, 32]],
    ["0,-1,5,3", [1, 1, 1, 1]],
    ["...,::-9", [1, 128, 150, 8]],
    [":,5:5", [1, 0, 150, 64]],
  ])("reads the region %s", async (index, shape) => {
    const output = join(folder, "region.npy");
    const told = await lazyimgJson("read", PHANTOM, `--index=${index}`, "-o", output, "--dtype", "float32");
    expect(told).toMatchObject({ shape, dtype: "float32" });
    const whole = (await (await openImage(PHANTOM)).load()).astype("float32");
    const tensor = readNpy(output);
    expect(tensor.shape).toEqual(shape);
    const [i = 0, j = 0, k = 0] =
      { ":,10:20,...,::2": [10, 0, 0], "0,-1,5,3": [127, 5, 3], "...,::-9": [0, 0, 63] }[index] ?? [];
    const step = { ":,10:20,...,::2": 2, "...,::-9": -9 }[index] ?? 1;
    for (let a = 0; a < shape[1]!; a++) {
      for (let c = 0; c < shape[3]!; c++) {
        expect(tensor.at(0, a, 0, c)).toBe(whole.at(0, i + a, j, k + step * c));
      }
    }
  });

  it("takes an index that begins with a minus sign as its own word", async () => {
    const output = join(folder, "minus.npy");
    expect(await lazyimgJson("read", PHANTOM, "--index", "-1,3", "-o", output)).toMatchObject({
      shape: [1, 1, 150, 64],
    });
  });

  it.each(["region.nii", "region.nii.gz"])("writes %s where the region lies in the world", async (name) => {
    const output = join(folder, name);
    await lazyimgJson("read", PHANTOM, "--index", ":,10:20,4::3,-5:", "-o", output);
    const [source, region] = await Promise.all([openImage(PHANTOM), openImage(output)]);
    expect(region.shape).toEqual([1, 10, 49, 5]);
    expect(region.dtype).toBe("int16");
    for (const [n, value] of source.voxelToWorld([10, 4, 59]).entries()) {
      expect(region.voxelToWorld([0, 0, 0])[n]).toBeCloseTo(value, 4);
    }
    const expected = await source.read([
      null,
      { start: 10, stop: 20, step: null },
      { start: 4, stop: null, step: 3 },
      { start: -5, stop: null, step: null },
    ]);
    expect(sha256Of(await region.load())).toBe(sha256Of(expected));
  });

  it("reads a block of a plain file without the rest of it", async () => {
    const plain = join(folder, "plain.nii");
    await lazyimgJson("read", PHANTOM, "-o", plain);
    const told = await lazyimgJson("read", plain, "--index", "...,31", "-o", join(folder, "slice.npy"));
    const { bytes } = told.read as { bytes: number };
    expect(bytes).toBeLessThanOrEqual(4096 + 1.05 * 128 * 150 * 2);
    expect(bytes).toBeGreaterThanOrEqual(128 * 150 * 2);
  });

  it("keeps the order of the file where that is the cheaper one", async () => {
    const single = join(folder, "single.npy");
    await lazyimgJson("read", PHANTOM, "-o", single);
    expect(readFileSync(single, "latin1").slice(0, 128)).toContain("'fortran_order': True");
    const golden = goldenCase("dtype/rgb24.le.n1.single.nii");
    const colours = join(folder, "colours.npy");
    await lazyimgJson("read", join(GOLDEN, golden.name), "-o", colours);
    expect(sha256Of(readNpy(colours))).toBe(golden.scaled.sha256);
  });

  it.each([
    ["one channel, K in parts", [1, 3, 4, 11]],
    ["channels in parts", [7, 3, 4, 2]],
  ] as const)("writes in parts what is too large to hold: %s", async (_, shape) => {
    const data = Int16Array.from({ length: sizeOf(shape) }, (_, n) => n * 37 - 900);
    const tensor = new Tensor({ data, dtype: "int16", shape });
    const path = join(folder, "parts.npy");
    const file = await open(path, "w");
    const shares: number[] = [];
    const report = ({ bytes, totalBytes }: { bytes: number; totalBytes: number }) =>
      shares.push(bytes / totalBytes);
    await writeNpy(file, Image.fromTensor(tensor), { signal: new AbortController().signal, report }, 100);
    await file.close();
    expect(sha256Of(readNpy(path))).toBe(sha256Of(tensor));
  });

  it("leaves nothing half written behind", async () => {
    const output = join(folder, "never.npy");
    const { code } = await lazyimg("read", PHANTOM, "--index", "9", "-o", output);
    expect(code).toBe(1);
    expect(readdirSync(folder).filter((name) => name.startsWith("never"))).toEqual([]);
  });
});
