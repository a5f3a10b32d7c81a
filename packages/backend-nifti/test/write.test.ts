import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type NiftiImageHeader, nifti, writeNifti } from "@lazyimg/backend-nifti";
import { bytesSource, fileSource } from "@lazyimg/byte-source";
import { type DType, slice, Tensor } from "@lazyimg/core";
import { type Image, openImage } from "@lazyimg/image";
import { countingSource, volume } from "@lazyimg/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GOLDEN, golden, hashOf, type NiftiCase } from "../../../tests/support/golden.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lazyimg-write-"));
});
afterAll(() => rm(folder, { recursive: true }));

const open = (path: string): Promise<Image> => openImage(path, { backends: [nifti] });

/** The header's own fields, without what depends on where the file came from. */
function comparable(header: unknown): Partial<NiftiImageHeader> {
  const { readExtensions: _, littleEndian: __, ...fields } = header as NiftiImageHeader;
  return fields;
}

describe("a copy equals its source", () => {
  const { cases } = golden<{ cases: NiftiCase[] }>("nifti/cases.json");
  const sound = cases.filter(({ expect: outcome }) => outcome === "ok");
  test.each(sound)("$name", async ({ name, shape }) => {
    const source = await open(`${GOLDEN}nifti/${name}`);
    const path = join(folder, `${name.replaceAll("/", "-").replace(/\.\w+(\.gz)?$/, "")}.nii`);
    await source.save(path);
    const copy = await open(path);
    expect(copy.shape).toEqual(shape);
    expect(copy.affine).toEqual(source.affine);
    // FreeSurfer's long vectors have a base affine that other sizes don't have: it is written as sform.
    const isLong = name === "layout/freesurfer-base.nii";
    if (!isLong) expect(copy.affineSource).toBe(source.affineSource);
    expect(copy.dtype).toBe(source.dtype);
    expect(hashOf(await copy.read("...", { scaled: false }))).toBe(
      hashOf(await source.read("...", { scaled: false })),
    );
    expect(hashOf(await copy.read())).toBe(hashOf(await source.read()));
    const [before, after] = [comparable(source.header), comparable(copy.header)];
    for (const field of [
      "repetitionTime",
      "units",
      "description",
      "intentCode",
      "intentName",
      "calMax",
    ] as const) {
      expect(after[field], field).toEqual(before[field]);
    }
    for (const field of isLong
      ? []
      : (["qformCode", "sformCode", "quaternion", "qoffset", "zooms", "scaling"] as const)) {
      expect(after[field], field).toEqual(before[field]);
    }
    const extensions = async (image: Image) => (image.header as NiftiImageHeader).readExtensions();
    expect(await extensions(copy)).toEqual(await extensions(source));
    await Promise.all([copy.close(), source.close()]);
  });
});

describe("writeNifti", () => {
  const affine = [2, 0, 0, -10, 0, 3, 0, 5, 0, 0, 4, 7, 0, 0, 0, 1];

  test.each<DType>(["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])(
    "writes %s from memory",
    async (dtype) => {
      const { tensor } = volume({ dtype, shape: [2, 5, 4, 3] });
      const path = join(folder, `memory-${dtype}.nii.gz`);
      await (await openImage(tensor, { affine })).save(path);
      expect(readFileSync(path).subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
      const copy = await open(path);
      expect(copy.affine).toEqual(affine);
      expect(copy.dtype).toBe(dtype);
      expect(hashOf(await copy.read())).toBe(hashOf(tensor));
    },
  );

  test("writes a crop where it lies, with its steps", async () => {
    const { tensor } = volume({ dtype: "int16", shape: [1, 9, 8, 7] });
    const image = await openImage(tensor, { affine });
    const crop = image.slice([null, slice(2, 8, 2), slice(null, null, -1), slice(3, null)]);
    const path = join(folder, "crop.nii");
    await crop.save(path);
    const copy = await open(path);
    expect(copy.affine).toEqual(crop.affine);
    expect(hashOf(await copy.read())).toBe(hashOf(await crop.read()));
  });

  test("carries facts about slices only to an image that has the same ones", async () => {
    const source = await open(`${GOLDEN}nifti/header/rich.n1.nii`);
    const facts = ({ header }: Image) => {
      const { dimInfo, sliceCode, sliceStart, sliceEnd, sliceDuration } = header as NiftiImageHeader;
      return { dimInfo, sliceCode, sliceStart, sliceEnd, sliceDuration };
    };
    const nothing = { dimInfo: 0, sliceCode: 0, sliceStart: 0, sliceEnd: 0, sliceDuration: 0 };
    expect(facts(source)).not.toEqual(nothing);
    const [copy, part, turned] = [join(folder, "c.nii"), join(folder, "p.nii"), join(folder, "t.nii")];
    await source.save(copy);
    await source.slice(["...", slice(0, 1)]).save(part);
    await source.toOrientation("SAR").save(turned);
    expect(facts(await open(copy))).toEqual(facts(source));
    expect(facts(await open(part))).toEqual(nothing);
    expect(facts(await open(turned))).toEqual(nothing);
  });

  test("applies scaling, casts, and chooses NIfTI-2 where NIfTI-1 is too small", async () => {
    const source = await firstScaled();
    const applied = join(folder, "applied.nii");
    await writeNifti(source.dataobj, applied, { scaling: "apply" });
    const copy = await open(applied);
    expect(copy.dtype).toBe("float64");
    expect((copy.header as NiftiImageHeader).scaling).toBeUndefined();
    expect(hashOf(await copy.read())).toBe(hashOf(await source.read()));

    const cast = join(folder, "cast.nii");
    await writeNifti(source.dataobj, cast, { dtype: "float32" });
    expect(hashOf(await (await open(cast)).read())).toBe(
      hashOf(await source.read("...", { dtype: "float32" })),
    );

    const long = new Tensor({
      data: new Uint8Array(40_000).fill(7),
      dtype: "uint8",
      shape: [1, 40_000, 1, 1],
    });
    const second = join(folder, "long.nii");
    await (await openImage(long)).save(second);
    const image = await open(second);
    expect((image.header as NiftiImageHeader).version).toBe(2);
    expect(image.shape).toEqual([1, 40_000, 1, 1]);
  });

  async function firstScaled(): Promise<Image> {
    const { cases } = golden<{ cases: NiftiCase[] }>("nifti/cases.json");
    const facts = cases.find(
      ({ expect: outcome, dtype, valueDtype }) =>
        outcome === "ok" && dtype === "int16" && valueDtype === "float64",
    );
    return open(`${GOLDEN}nifti/${facts!.name}`);
  }

  test("reads its source slab by slab and tells how far it is", async () => {
    // Two slabs of 32 MiB and a rest: no read asks for all of it.
    const shape = [1, 256, 256, 600] as const;
    const { tensor } = volume({ dtype: "uint8", shape });
    const whole = join(folder, "whole.nii");
    await (await openImage(tensor)).save(whole);
    const source = countingSource(fileSource(whole));
    const progress: number[] = [];
    const image = await openImage(source, { backends: [nifti] });
    await image.save(join(folder, "again.nii"), {
      onProgress: ({ bytes, totalBytes }: { bytes: number; totalBytes: number }) =>
        progress.push(bytes / totalBytes),
    });
    const largest = Math.max(...source.ranges.map(({ length }) => length));
    expect(largest).toBeLessThanOrEqual(8 * 2 ** 20);
    expect(progress.length).toBeGreaterThan(1);
    expect(progress.at(-1)).toBe(1);
    expect(readFileSync(join(folder, "again.nii")).equals(readFileSync(whole))).toBe(true);
  });

  test("leaves nothing behind when reading fails or is aborted, and keeps what was there", async () => {
    const bytes = readFileSync(join(folder, "whole.nii"));
    const path = join(folder, "precious.nii");
    await writeFile(path, "precious");
    const cut = await openImage(bytesSource(bytes, { name: "whole.nii" }), { backends: [nifti] });
    const reason = new Error("enough");
    const controller = new AbortController();
    const saving = cut.save(path, { signal: controller.signal, onProgress: () => controller.abort(reason) });
    await expect(saving).rejects.toBe(reason);
    expect(readFileSync(path, "utf8")).toBe("precious");
    expect(readdirSync(folder).filter((name) => name.endsWith(".partial"))).toEqual([]);
  });

  test("refuses what it can't write, in words", async () => {
    const image = await openImage(volume({ dtype: "uint8", shape: [1, 2, 2, 2] }).tensor);
    await expect(writeNifti(image.dataobj, join(folder, "x.png"))).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
    const nowhere = join(folder, "no", "such", "folder", "x.nii");
    await expect(image.save(nowhere)).rejects.toMatchObject({ code: "ERR_IO" });
    expect(existsSync(nowhere)).toBe(false);
    await expect(image.save(join(folder, "x.png"))).rejects.toMatchObject({ code: "ERR_NO_WRITER" });
  });

  test("writes to a stream", async () => {
    const { tensor } = volume({ dtype: "float32", shape: [1, 4, 3, 2] });
    const pieces: Uint8Array[] = [];
    const stream = new WritableStream<Uint8Array>({ write: (piece) => void pieces.push(piece.slice()) });
    await writeNifti((await openImage(tensor)).dataobj, stream, { gzip: true });
    const image = await openImage(new Uint8Array(gunzipSync(Buffer.concat(pieces))), { backends: [nifti] });
    expect(hashOf(await image.read())).toBe(hashOf(tensor));
  });
});
