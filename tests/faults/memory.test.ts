import { randomBytes } from "node:crypto";
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import type { NiftiImageHeader } from "@lazyimg/backend-nifti";
import { bytesSource } from "@lazyimg/byte-source";
import { encodeNiftiHeader } from "@lazyimg/nifti-header";
import { openImage } from "lazyimg";
import { afterAll, describe, expect, test } from "vitest";
import { Scratch } from "./support/sample.js";

/** What a file says is not what is allocated; what is asked for and cannot be had is an error with a code. */

const scratch = new Scratch();
afterAll(() => scratch.remove());

const IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

/** A sparse file of 16 TB that is what its header says; on a disk that has no such files, a header for it. */
function huge(): string {
  const path = scratch.at("huge.nii");
  const shape = [1, 32767, 32767, 2000] as const;
  const header = encodeNiftiHeader({ shape, affine: IDENTITY, dtype: "float64", singleFile: true });
  const file = openSync(path, "w");
  writeSync(file, header);
  ftruncateSync(file, header.length + 8 * 32767 * 32767 * 2000);
  closeSync(file);
  return path;
}

describe.skipIf(process.platform !== "linux")("an image larger than memory", () => {
  test("gives its parts, and ERR_LIMIT for more than there is memory for", async () => {
    let path: string;
    try {
      path = huge();
    } catch {
      return; // EFBIG: the file system has no files of this size
    }
    const image = await openImage(path);
    expect(image.memory).toBe(8 * 32767 * 32767 * 2000);
    expect((await image.read([0, { start: 5, stop: 9, step: null }, 3, 1999])).shape).toEqual([1, 4, 1, 1]);
    const before = process.memoryUsage().arrayBuffers;
    for (const read of [
      () => image.read(),
      () => image.load(),
      () => image.read([0, null, null, { start: null, stop: null, step: 2 }], { dtype: "uint8" }),
      () => image.toOrientation("LPI").read(),
    ]) {
      await expect(read()).rejects.toMatchObject({
        name: "LazyImageError",
        code: "ERR_LIMIT",
        message: expect.stringContaining("in parts"),
      });
    }
    expect(process.memoryUsage().arrayBuffers).toBeLessThan(before + 2 ** 26);
    await image.close();
  });
});

test("an image with a singular affine can be printed", async () => {
  const path = scratch.at("flat.nii");
  const header = encodeNiftiHeader({
    shape: [1, 2, 2, 2],
    affine: IDENTITY,
    dtype: "uint8",
    singleFile: true,
  });
  const view = new DataView(header.buffer, header.byteOffset);
  // srow_z: nothing along z
  for (let n = 0; n < 4; n++) view.setFloat32(312 + 4 * n, 0, true);
  const file = openSync(path, "w");
  writeSync(file, header);
  writeSync(file, new Uint8Array(8));
  closeSync(file);
  const image = await openImage(path);
  expect(String(image)).toContain("orientation: none;");
  expect(() => image.orientation).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
  await image.close();
});

/** A header that announces extensions, and as many bytes behind it, gzipped to a thousandth. */
function bomb(bytes: number): Uint8Array {
  const header = encodeNiftiHeader({
    ...{ shape: [1, 2, 2, 2], affine: IDENTITY, dtype: "uint8", singleFile: false },
    extensions: [{ code: 6, data: new TextEncoder().encode("a comment") }],
  });
  return gzipSync(Buffer.concat([header, Buffer.alloc(bytes)]));
}

test("extensions of a gzipped header are read as far as they go, and not as far as they might", async () => {
  const voxels = gzipSync(Buffer.alloc(8, 3));
  const open = (header: Uint8Array) =>
    openImage(header, {
      name: "scan.hdr.gz",
      sibling: async (name) => (name === "scan.img.gz" ? bytesSource(voxels, { name }) : null),
    });
  // Random bytes hardly shrink, so there might be 2 GB by deflate's ratio.
  const noise = Buffer.concat([gunzipSync(bomb(0)), Buffer.alloc(16), randomBytes(2e6)]);
  const long = await open(gzipSync(noise));
  const header = long.header as NiftiImageHeader;
  await expect(header.readExtensions()).rejects.toMatchObject({ code: "ERR_HEADER" });
  await long.close();
  // Nothing but an extension, and then 300 MB of nothing.
  const image = await open(bomb(300e6));
  const before = process.memoryUsage().rss;
  await expect((image.header as NiftiImageHeader).readExtensions()).rejects.toMatchObject({
    code: "ERR_HEADER",
  });
  expect(process.memoryUsage().rss).toBeLessThan(before + 200e6);
  expect((await image.read()).at(0, 1, 1, 1)).toBe(3);
  await image.close();
});
