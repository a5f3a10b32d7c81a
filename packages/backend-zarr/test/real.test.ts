import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { niftiZarr, type ZarrNiftiHeader } from "@lazyimg/backend-zarr/backend";
import { createRequest } from "@lazyimg/core";
import { describe, expect, test } from "vitest";

// Real images by niizarr, where they are there: each level has its values beside it as a .npy file.
const root = process.env.LAZYIMG_DATA ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const folder = join(root, "nifti-zarr");

/** Shape and data of a .npy file in C order. */
function npy(file: string): { shape: number[]; data: Buffer } {
  const bytes = readFileSync(file);
  const length = bytes.readUInt16LE(8);
  const header = bytes.subarray(10, 10 + length).toString("latin1");
  const shape = /'shape': \(([\d, ]*)\)/
    .exec(header)![1]!
    .split(",")
    .filter((size) => size.trim() !== "");
  expect(header).toContain("'fortran_order': False");
  return { shape: shape.map(Number), data: bytes.subarray(10 + length) };
}

describe.skipIf(!existsSync(folder))("real images", () => {
  test.each([
    ["example4d", 0],
    ["example4d", 1],
    ["example_nifti2", 0],
  ])("%s, level %d", async (name, level) => {
    const path = join(folder, `${name}.nii.zarr`);
    const request = createRequest(path, { readerOptions: { level } });
    const backend = (await niftiZarr.open(request, {}))!;
    const { shape, data } = npy(join(path, `${level}.npy`));
    // (t, z, y, x) is (C, K, J, I).
    expect(backend.shape).toEqual([shape[0], shape[3], shape[2], shape[1]]);
    const tensor = await backend.read(null, { scaled: false });
    const { shape: own, data: values } = tensor;
    const order: Int16Array = new Int16Array(tensor.size);
    for (let c = 0, n = 0; c < own[0]; c++) {
      for (let k = 0; k < own[3]; k++) {
        for (let j = 0; j < own[2]; j++) {
          for (let i = 0; i < own[1]; i++, n++) {
            const [sc, si, sj, sk] = tensor.strides;
            order[n] = Number(values[tensor.offset + c * sc + i * si + j * sj + k * sk]);
          }
        }
      }
    }
    expect(Buffer.compare(Buffer.from(order.buffer), data)).toBe(0);
    const header = npy(join(path, "nifti.npy"));
    expect(Buffer.compare(Buffer.from((backend.header as ZarrNiftiHeader).bytes), header.data)).toBe(0);
    await backend.close?.();
  });
});
