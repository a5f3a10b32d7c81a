import { isLazyImageError } from "@lazyimg/core";
import {
  encodeNiftiHeader,
  NIFTI_PROBE_BYTES,
  type NiftiHeader,
  parseExtensions,
  parseNiftiHeader,
  shape4Of,
  sniffNifti,
} from "@lazyimg/nifti-header";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const AFFINE = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

/** Gives a header, or throws on purpose. */
function attempt<T>(what: () => T): T | undefined {
  try {
    return what();
  } catch (error) {
    if (!isLazyImageError(error)) throw error;
    expect(error.message).toMatch(/\w{3}.*[.:]/);
    return undefined;
  }
}

/** What every header keeps, whatever the bytes were. */
function check(header: NiftiHeader): void {
  expect(header.shape.every((size) => Number.isSafeInteger(size) && size >= 1)).toBe(true);
  expect(Number.isSafeInteger(header.voxOffset + header.voxelBytes)).toBe(true);
  expect(header.voxOffset).toBeGreaterThanOrEqual(header.singleFile ? header.headerBytes + 4 : 0);
  expect(header.affine).toHaveLength(16);
  expect(header.affine.every(Number.isFinite)).toBe(true);
  expect(Object.isFrozen(header.affine)).toBe(true);
  attempt(() => shape4Of(header));
}

describe("any bytes", () => {
  test("at random are a header or an error of ours", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 560 }), (bytes) => {
        expect(sniffNifti(bytes)).toBeNull();
        expect(attempt(() => parseNiftiHeader(bytes))).toBeUndefined();
      }),
    );
  });

  test("with the marks of a header likewise", () => {
    const marks = fc.constantFrom(
      ...([1, 2] as const).flatMap((version) =>
        [true, false].map((littleEndian) =>
          encodeNiftiHeader({ shape: [1, 1, 1, 1], dtype: "uint8", affine: AFFINE, version, littleEndian }),
        ),
      ),
    );
    const edits = fc.array(fc.tuple(fc.nat(543), fc.uint8Array({ minLength: 1, maxLength: 12 })), {
      maxLength: 12,
    });
    let headers = 0;
    fc.assert(
      fc.property(marks, edits, (sound, changes) => {
        const bytes = new Uint8Array(600);
        bytes.set(sound);
        for (const [at, values] of changes) bytes.set(values, at);
        const header = attempt(() => parseNiftiHeader(bytes));
        if (header === undefined) return;
        headers++;
        check(header);
      }),
      { numRuns: 2000 },
    );
    expect(headers).toBeGreaterThan(50);
  });

  test("as extensions are views into them or an error of ours", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.array(fc.integer({ min: -1, max: 4 })),
        (bytes, sizes) => {
          const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
          for (const [n, size] of sizes.entries())
            if (16 * n + 4 <= bytes.length) view.setInt32(16 * n, 16 * size);
          const extensions = attempt(() => parseExtensions(bytes, false)) ?? [];
          for (const { data } of extensions) expect(data.buffer).toBe(bytes.buffer);
          expect(extensions.length).toBeLessThanOrEqual(bytes.length / 8);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("errors say what was found, what was expected and what to do", () => {
  const sound = encodeNiftiHeader({ shape: [1, 5, 4, 3], dtype: "int16", affine: AFFINE });
  const edited = (at: number, value: number) => {
    const bytes = sound.slice();
    new DataView(bytes.buffer).setInt16(at, value, true);
    return bytes;
  };

  test.each([
    ["ERR_TRUNCATED", new Uint8Array(0), "NIfTI header of scan.nii is empty; a NIfTI header has 348. "],
    [
      "ERR_TRUNCATED",
      sound.subarray(0, 347),
      "NIfTI header of scan.nii ends after 347 bytes; a NIfTI header has 348.",
    ],
    [
      "ERR_HEADER",
      new Uint8Array(348),
      "NIfTI header of scan.nii is not NIfTI: sizeof_hdr is neither 348 nor 540",
    ],
    ["ERR_HEADER", edited(344, 0), "It may be ANALYZE 7.5"],
    ["ERR_HEADER", edited(40, 8), "dim[0] is 8; expected 1 to 7 axes."],
    ["ERR_HEADER", edited(44, -4), "dim[2] is -4; expected 1 or more."],
    ["ERR_HEADER", edited(46, 0), "dim[3] is 0; expected 1 or more."],
    [
      "ERR_UNSUPPORTED_DTYPE",
      edited(70, 1536),
      "datatype 1536 (float128); expected one of 2 (UINT8), 4 (INT16)",
    ],
    ["ERR_UNSUPPORTED_DTYPE", edited(70, 99), "datatype 99 (not defined by NIfTI); expected one of"],
  ])("%s", (code, bytes, message) => {
    const open = () => parseNiftiHeader(bytes, { name: "scan.nii" });
    expect(open).toThrow(expect.objectContaining({ code }));
    expect(open).toThrow(message);
  });

  test("without a name too", () => {
    expect(() => parseNiftiHeader(edited(40, 8))).toThrow("The NIfTI header: dim[0] is 8;");
  });
});

test("a view into a larger buffer, or into shared memory, is read where it lies", () => {
  const sound = encodeNiftiHeader({ shape: [1, 5, 4, 3], dtype: "int16", affine: AFFINE });
  for (const memory of [new ArrayBuffer(1000), new SharedArrayBuffer(1000)]) {
    const bytes = new Uint8Array(memory, 7, 400);
    bytes.set(sound);
    expect(parseNiftiHeader(bytes).shape).toEqual([5, 4, 3]);
  }
});

test("a probe holds the header of every version", () => {
  expect(NIFTI_PROBE_BYTES).toBeGreaterThanOrEqual(544);
});
