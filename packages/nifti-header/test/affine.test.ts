import { readFileSync } from "node:fs";
import { encodeNiftiHeader, parseNiftiHeader } from "@lazyimg/nifti-header";
import { expect, test } from "vitest";

interface QformVector {
  readonly version: 1 | 2;
  readonly quaternion: readonly number[];
  readonly qoffset: readonly number[];
  readonly pixdim: readonly number[];
  readonly affine: readonly number[];
}

/** Made with nibabel 5.4.2 on x86-64, whose long double has 64 bits: elsewhere nibabel's last bits differ. */
const vectors: readonly QformVector[] = JSON.parse(
  readFileSync(new URL("qforms.json", import.meta.url), "utf8"),
);

/** Where the qform's fields are: offset, and bytes of a number. */
const FIELDS = {
  1: { size: 4, pixdim: 76, code: 252, codes: 2, quaternion: 256, qoffset: 268 },
  2: { size: 8, pixdim: 104, code: 344, codes: 4, quaternion: 352, qoffset: 376 },
} as const;

/** A header whose affine is its qform. */
function qformHeader({ version, quaternion, qoffset, pixdim }: Omit<QformVector, "affine">): Uint8Array {
  const affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  const bytes = encodeNiftiHeader({ version, shape: [1, 3, 4, 5], dtype: "uint8", affine });
  const view = new DataView(bytes.buffer);
  const fields = FIELDS[version];
  const put = (at: number, values: readonly number[]) => {
    for (const [n, value] of values.entries()) {
      if (version === 1) view.setFloat32(at + 4 * n, value, true);
      else view.setFloat64(at + 8 * n, value, true);
    }
  };
  put(fields.pixdim, pixdim);
  put(fields.quaternion, quaternion);
  put(fields.qoffset, qoffset);
  bytes.fill(0, fields.code, fields.code + 2 * fields.codes);
  bytes[fields.code] = 1;
  return bytes;
}

test("qforms are nibabel's in every bit", () => {
  expect(vectors.length).toBeGreaterThan(20);
  for (const vector of vectors) {
    const header = parseNiftiHeader(qformHeader(vector));
    expect(header.affineSource).toBe("qform");
    expect(header.affine).toEqual(vector.affine);
    expect(header.qformAffine).toEqual(vector.affine);
  }
});

test("a quaternion longer than 1 is refused, in words", () => {
  const bytes = qformHeader({ version: 1, quaternion: [1, 1, 0], qoffset: [0, 0, 0], pixdim: [1, 1, 1, 1] });
  expect(() => parseNiftiHeader(bytes, { name: "scan.nii" })).toThrow(
    /^NIfTI header of scan\.nii: quatern_b, c, d.* is \[1,1,0.*expected .*unit quaternion\. Give an affine/,
  );
});

test("an affine of the caller's takes the place of an unusable one", () => {
  const bytes = qformHeader({ version: 1, quaternion: [1, 1, 0], qoffset: [0, 0, 0], pixdim: [1, 1, 1, 1] });
  const affine = [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1];
  const header = parseNiftiHeader(bytes, { affine });
  expect(header.affine).toEqual(affine);
  expect(header.affineSource).toBe("override");
  expect(header.qformAffine).toBeNull();
  expect(() => parseNiftiHeader(bytes, { affine: [1, 2, 3] })).toThrow(
    expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
  );
});
