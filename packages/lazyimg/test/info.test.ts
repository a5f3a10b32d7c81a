import { copyFileSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { misbehavingServer } from "@lazyimg/testkit/server";
import { openImage, slice } from "lazyimg";
import { describe, expect, it } from "vitest";
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

describe("lazyimg info", () => {
  it.each(goldenSample(24))("says of $name what nibabel says", async (golden) => {
    const info = await lazyimgJson("info", join(GOLDEN, golden.name));
    expect(info).toMatchObject({
      backend: "nifti",
      shape: golden.shape,
      spatialShape: golden.shape.slice(1),
      channels: golden.shape[0],
      orientation: golden.orientation,
      dtype: golden.dtype,
      valueDtype: golden.valueDtype,
      affineSource: golden.affineSource,
      levels: [],
      nifti: {
        version: golden.version,
        byteOrder: golden.byteOrder,
        scaling:
          golden.slope === null || (golden.slope === 1 && golden.inter === 0)
            ? null
            : { slope: golden.slope, inter: golden.inter },
      },
      sizeOnDisk: golden.files.reduce((sum, file) => sum + statSync(join(GOLDEN, file)).size, 0),
    });
    const affine = (info.affine as number[][]).flat();
    for (const [n, value] of golden.affine.entries()) expect(affine[n]).toBeCloseTo(value, 12);
  });

  it("has a stable JSON", async () => {
    const info = await lazyimgJson("info", PHANTOM);
    expect(Object.keys(info)).toEqual([
      ...[
        "source",
        "backend",
        "shape",
        "spatialShape",
        "channels",
        "spacing",
        "origin",
        "orientation",
        "dtype",
      ],
      ...["valueDtype", "affine", "affineSource", "memory", "levels", "nifti", "sizeOnDisk", "read"],
    ]);
    expect(Object.keys(info.nifti as object)).toEqual([
      ...[
        "version",
        "byteOrder",
        "singleFile",
        "dim",
        "datatype",
        "units",
        "repetitionTime",
        "scaling",
        "intent",
      ],
      ...["cal", "description", "auxFile", "qformCode", "sformCode", "hasExtensions"],
    ]);
    expect(info).toMatchObject({
      source: PHANTOM,
      shape: [1, 128, 150, 64],
      spacing: [expect.closeTo(1.5, 6), expect.closeTo(1.5, 6), expect.closeTo(2.75, 6)],
      orientation: "LPS",
      memory: 128 * 150 * 64 * 2,
      nifti: { units: { space: "mm", time: "sec" }, cal: { min: 0, max: 700 }, qformCode: 1, sformCode: 1 },
    });
  });

  it("reads no more than the beginning of a file", async () => {
    const compressed = await lazyimgJson("info", PHANTOM);
    expect((compressed.read as { bytes: number }).bytes).toBeLessThanOrEqual(65_536);
    const plain = await lazyimgJson("info", join(GOLDEN, "dtype/int16.le.n1.single.nii"));
    expect((plain.read as { bytes: number }).bytes).toBeLessThanOrEqual(4096);
    expect((plain.read as { bytes: number }).bytes).toBeGreaterThanOrEqual(348);
  });

  it("prints the facts in lines", async () => {
    const { code, stdout, stderr } = await lazyimg("info", PHANTOM);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^shape +\(1, 128, 150, 64\), channels first$/m);
    expect(stdout).toMatch(/^spacing +\(1\.5, 1\.5, 2\.75\) mm$/m);
    expect(stdout).toMatch(/^orientation +LPS\+$/m);
    expect(stdout).toMatch(/^affine +-1\.49635 .* from sform\n( {13}.*\n){2} {13} +0 +0 +0 +1$/m);
    expect(stdout).toMatch(/^read +\d+\.\d KiB in \d requests?$/m);
  });

  it("tells the scaling of values, and the repetition time of a series", async () => {
    const scaled = await lazyimg("info", join(GOLDEN, goldenCase("scaling/both.int8.nii").name));
    expect(scaled.stdout).toMatch(/^scaling +× \S+ \+ \S+$/m);
    expect(scaled.stdout).toMatch(/^dtype +int8, read as float64$/m);
    expect(scaled.stdout).not.toMatch(/^TR/m);
    const { name, header, units } = goldenCase("rank/4d.le.n1.nii");
    const series = await lazyimgJson("info", join(GOLDEN, name));
    expect(series.nifti).toMatchObject({ repetitionTime: header.tr, units: { time: units.temporal } });
    expect((await lazyimg("info", join(GOLDEN, name))).stdout).toMatch(/^TR +\d/m);
  });

  it("opens names with spaces, letters of any script, percent signs and no ASCII", async () => {
    const folder = temporaryFolder();
    for (const name of ["two words.nii.gz", "скан 脳 é.NII.GZ", "100%25 #1?.nii.gz", "-dash.nii.gz"]) {
      copyFileSync(PHANTOM, join(folder, name));
      expect(await lazyimgJson("info", join(folder, name))).toMatchObject({ shape: [1, 128, 150, 64] });
    }
  });

  it("opens a pair by either name and counts both files", async () => {
    const { files } = goldenCase("dtype/int16.le.n1.pair.hdr");
    expect(files).toHaveLength(2);
    const [header, image] = await Promise.all(files.map((file) => lazyimgJson("info", join(GOLDEN, file))));
    expect(header!.shape).toEqual(image!.shape);
    expect(header!.sizeOnDisk).toBe(image!.sizeOnDisk);
  });

  it("opens Zarr, and names the backend that did", async () => {
    const { niftiZarr } = await import("@lazyimg/backend-zarr");
    const zarr = join(temporaryFolder(), "phantom.nii.zarr");
    const image = await openImage(PHANTOM);
    await image.save(zarr);
    await image.close();
    const info = await lazyimgJson("info", zarr);
    expect(info).toMatchObject({
      backend: niftiZarr.name,
      shape: [1, 128, 150, 64],
      nifti: { sformCode: 1 },
    });
    const region = join(temporaryFolder(), "region.npy");
    await lazyimgJson("read", zarr, "-i", "...,5:9", "-o", region);
    const whole = await openImage(PHANTOM);
    expect(sha256Of(readNpy(region))).toBe(sha256Of(await whole.read(["...", slice(5, 9)])));
  });

  it("counts the requests to a server, and sends the headers that are asked for", async () => {
    const server = await misbehavingServer({ "a scan.nii.gz": readFileSync(PHANTOM) });
    try {
      const url = `${server.url}a%20scan.nii.gz?signature=x`;
      const info = await lazyimgJson(
        "info",
        url,
        "--header",
        "Authorization: Bearer a:b",
        "--header",
        "X-Two:2",
      );
      expect(info).toMatchObject({
        backend: "nifti",
        sizeOnDisk: statSync(PHANTOM).size,
        read: { requests: server.requests },
      });
      // What was on its way when a stream was left may not have been counted.
      const { bytes } = info.read as { bytes: number };
      expect(bytes).toBeGreaterThan(0);
      expect(bytes).toBeLessThanOrEqual(server.bytes);
      for (const { headers } of server.log) {
        expect(headers).toMatchObject({ authorization: "Bearer a:b", "x-two": "2" });
      }
    } finally {
      await server.close();
    }
  });
});
