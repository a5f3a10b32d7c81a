import { DTYPES, type DType, type Shape4D } from "@lazyimg/core";
import {
  encodeNiftiHeader,
  NIFTI_DATATYPES,
  type NiftiHeader,
  type NiftiHeaderInit,
  parseExtensions,
  parseNiftiHeader,
  shape4Of,
} from "@lazyimg/nifti-header";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesOf, goldenCases } from "./golden.js";

const AFFINE = [-2, 0.25, 0.125, 10.5, 0.1875, 2.5, -0.375, -20.25, 0.0625, 0.5, 3, 5.75, 0, 0, 0, 1];
const PLAIN: NiftiHeaderInit = { shape: [1, 5, 4, 3], dtype: "int16", affine: AFFINE };

const encoded = (init: Partial<NiftiHeaderInit>) =>
  parseNiftiHeader(encodeNiftiHeader({ ...PLAIN, ...init }));

describe("encodeNiftiHeader", () => {
  test("a plain header has sform, qform, millimetres and the voxels right behind it", () => {
    const bytes = encodeNiftiHeader(PLAIN);
    expect(bytes.length).toBe(352);
    expect(parseNiftiHeader(bytes)).toMatchObject({
      version: 1,
      littleEndian: true,
      singleFile: true,
      shape: [5, 4, 3],
      dtype: "int16",
      bitpix: 16,
      voxOffset: 352,
      voxelBytes: 120,
      scaling: undefined,
      affine: AFFINE,
      affineSource: "sform",
      sformCode: 2,
      qformCode: 2,
      units: { space: "mm", time: "sec" },
      hasExtensions: false,
    });
  });

  test.each(Object.values(NIFTI_DATATYPES))("datatype $name", ({ dtype, samples }) => {
    const shape: Shape4D = [samples, 5, 4, 3];
    for (const version of [1, 2] as const) {
      for (const littleEndian of [true, false]) {
        const header = encoded({ dtype, samples, shape, version, littleEndian });
        expect(header).toMatchObject({ dtype, samples, version, littleEndian, shape: [5, 4, 3] });
        expect(header.voxelBytes).toBe(60 * samples * DTYPES[dtype].itemSize);
        expect(shape4Of(header)).toEqual(shape);
      }
    }
  });

  test("channels are the fourth axis, or the fifth as vectors", () => {
    expect(encoded({ shape: [6, 5, 4, 3] }).shape).toEqual([5, 4, 3, 6]);
    const vector = encoded({ shape: [3, 5, 4, 3], vector: true });
    expect(vector.shape).toEqual([5, 4, 3, 1, 3]);
    expect(shape4Of(vector)).toEqual([3, 5, 4, 3]);
  });

  test("NIfTI-2 is chosen where NIfTI-1 could not hold the numbers, or would mean something else", () => {
    expect(encoded({ shape: [1, 32767, 1, 1] }).version).toBe(1);
    expect(encoded({ shape: [1, 32768, 1, 1] }).version).toBe(2);
    expect(encoded({ shape: [40000, 1, 1, 1] }).version).toBe(2);
    expect(encoded({ scaling: { slope: 1e-60, inter: 0 } })).toMatchObject({
      version: 2,
      scaling: { slope: 1e-60, inter: 0 },
    });
    // In NIfTI-1 this shape stands for (163842, 1, 1).
    expect(encoded({ shape: [1, 27307, 1, 6] })).toMatchObject({ version: 2, shape: [27307, 1, 6] });
    expect(() => encoded({ shape: [1, 32768, 1, 1], version: 1 })).toThrow(
      /Leave version out, or set it to 2/,
    );
  });

  test("text is Latin-1, cut to its field, and never reaches the next one", () => {
    const header = encoded({
      description: `é${"d".repeat(100)}`,
      auxFile: "a\u{1f9e0}",
      intentName: "n".repeat(17),
    });
    expect(header.description).toBe(`é${"d".repeat(79)}`);
    expect(header.auxFile).toBe("a??");
    expect(header.intentName).toBe("n".repeat(16));
    expect(header.sformCode).toBe(2);
  });

  test("a singular affine has no qform", () => {
    const affine = [1, 1, 0, 5, 0, 0, 0, 6, 0, 0, 1, 7, 0, 0, 0, 1];
    expect(encoded({ affine })).toMatchObject({ affine, qformCode: 0, sformCode: 2 });
    expect(encoded({ affine: AFFINE.map((value, n) => (n % 4 === 0 ? 0 : value)) }).qformCode).toBe(0);
  });

  test("what NIfTI cannot hold is refused", () => {
    const code = (code: string) => expect.objectContaining({ code });
    expect(() => encoded({ shape: [1, 0, 4, 3] })).toThrow(code("ERR_INVALID_ARGUMENT"));
    expect(() => encoded({ shape: [1, 2 ** 31, 2 ** 31, 1] })).toThrow(code("ERR_INVALID_ARGUMENT"));
    expect(() => encoded({ shape: [2, 5, 4, 3], dtype: "uint8", samples: 3 })).toThrow(
      code("ERR_INVALID_ARGUMENT"),
    );
    expect(() => encoded({ scaling: { slope: 0, inter: 0 } })).toThrow(code("ERR_INVALID_ARGUMENT"));
    expect(() => encoded({ scaling: { slope: 1, inter: Number.NaN } })).toThrow(code("ERR_INVALID_ARGUMENT"));
    expect(() => encoded({ affine: [1, 2, 3] })).toThrow(code("ERR_INVALID_ARGUMENT"));
    expect(() => encoded({ shape: [3, 5, 4, 3], samples: 3 })).toThrow(code("ERR_UNSUPPORTED_DTYPE"));
    expect(() => encoded({ dtype: "float16" as DType })).toThrow(code("ERR_UNSUPPORTED_DTYPE"));
  });

  test.each(
    goldenCases.filter(({ name }) =>
      /^header\/(rich|bytes|intent|units-10|extensions-many.*single)/.test(name),
    ),
  )("$name, parsed and written again, is the same", ({ files }) => {
    const bytes = bytesOf(files[0]!);
    const header = parseNiftiHeader(bytes);
    const extensions = parseExtensions(
      bytes.subarray(header.headerBytes + 4, header.voxOffset),
      header.littleEndian,
    );
    const copy = encodeNiftiHeader({
      ...header,
      shape: shape4Of(header),
      vector: header.shape.length === 5,
      extensions,
    });
    // The rest follows from the affine, or is unset in more than one way.
    const {
      qformAffine: _1,
      quaternion: _2,
      qoffset: _3,
      pixdim: _4,
      zooms: _5,
      qformCode: _6,
      ...rest
    } = header;
    const { sclSlope: _7, sclInter: _8, stored: _9, ...same } = rest;
    expect(parseNiftiHeader(copy)).toMatchObject({ ...same, voxOffset: copy.length });
    expect(parseExtensions(copy.subarray(header.headerBytes + 4), header.littleEndian)).toEqual(
      extensions.map(({ data, ...extension }) => ({ ...extension, data: new Uint8Array(data) })),
    );
  });

  describe("unchanged", () => {
    const sound = goldenCases.filter(({ expect, name }) => expect === "ok" && /\.nii$/.test(name));
    const again = (bytes: Uint8Array, change: Partial<NiftiHeader> = {}): Uint8Array => {
      const header = { ...parseNiftiHeader(bytes), ...change };
      const extensions = header.hasExtensions
        ? parseExtensions(bytes.subarray(header.headerBytes + 4, header.voxOffset), header.littleEndian)
        : [];
      const shape = shape4Of(header);
      return encodeNiftiHeader({ ...header, shape, extensions, unchanged: header });
    };

    test("all headers come back bit for bit", () => {
      expect(sound.length).toBeGreaterThan(250);
      const different = sound.filter(({ files }) => {
        const bytes = bytesOf(files[0]!);
        const { voxOffset, shape, dim } = parseNiftiHeader(bytes);
        const isPlain = shape.every((size, axis) => size === dim[axis + 1]);
        return isPlain && Buffer.compare(again(bytes), bytes.subarray(0, voxOffset)) !== 0;
      });
      // Bytes before the voxels that nothing announces come back as zeros.
      expect(different.map(({ name }) => name)).toEqual(["layout/gap-junk.n1.nii", "layout/gap-junk.n2.nii"]);
    });

    test("identity scaling, unused sizes, bitpix and padding are kept", () => {
      const bytes = encodeNiftiHeader(PLAIN);
      const odd = new Uint8Array(416);
      odd.set(bytes);
      const view = new DataView(odd.buffer);
      view.setInt16(54, 77, true); // dim[7]
      view.setInt16(72, 5, true); // bitpix
      view.setFloat32(108, 416, true); // vox_offset
      view.setFloat32(112, 1, true); // scl_slope
      view.setFloat32(116, 0, true); // scl_inter
      odd.set([1, 2, 3], 4); // data_type
      odd.set([7, 8], 350); // behind the byte that announces extensions
      expect(again(odd)).toEqual(odd);
    });

    test("a field that was changed since is written, and a pair's header made a file's", () => {
      const bytes = encodeNiftiHeader(PLAIN);
      expect(parseNiftiHeader(again(bytes, { description: "new" })).description).toBe("new");
      const pair = encodeNiftiHeader({ ...PLAIN, singleFile: false });
      const file = parseNiftiHeader(again(pair, { singleFile: true }));
      expect(file).toMatchObject({ singleFile: true, voxOffset: 352 });
    });
  });
});

/** Any shape that has its voxels within 2 ** 52 bytes: one axis may be too long for NIfTI-1. */
const shapes = fc
  .tuple(
    fc.nat(3),
    fc.integer({ min: 1, max: 70_000 }),
    fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 4, maxLength: 4 }),
  )
  .map(([axis, long, sizes]) => sizes.with(axis, long) as unknown as Shape4D);
const float32 = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
const text = (maxLength: number) =>
  fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((n) => String.fromCharCode(n)), maxLength });

/** A rotation, by any quaternion. */
const rotation = fc
  .tuple(...Array.from({ length: 4 }, () => fc.double({ min: -1, max: 1, noNaN: true })))
  .filter((q) => Math.hypot(...q) > 0.1)
  .map((q) => {
    const [w, x, y, z] = q.map((value) => value / Math.hypot(...q)) as [number, number, number, number];
    return [
      [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
      [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
      [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ];
  });

describe("properties", () => {
  test("what is encoded is what is parsed", () => {
    fc.assert(
      fc.property(
        fc.record({
          shape: shapes,
          dtype: fc.constantFrom(...(Object.keys(DTYPES) as DType[])),
          affine: fc.array(float32, { minLength: 12, maxLength: 12 }).map((rows) => [...rows, 0, 0, 0, 1]),
          version: fc.constantFrom(undefined, 2 as const),
          littleEndian: fc.boolean(),
          singleFile: fc.boolean(),
          scaling: fc.option(
            fc.record({ slope: fc.float({ min: 0.5, max: 4, noNaN: true }), inter: float32 }),
            {
              nil: undefined,
            },
          ),
          description: text(80),
          auxFile: text(24),
          intentName: text(16),
          intentCode: fc.integer({ min: 0, max: 32767 }),
          intentParams: fc.tuple(float32, float32, float32),
          repetitionTime: float32,
          toffset: float32,
          calMin: float32,
          calMax: float32,
          sliceStart: fc.nat(32767),
          sliceEnd: fc.nat(32767),
          sliceCode: fc.nat(6),
          sliceDuration: float32,
          dimInfo: fc.nat(255),
          sformCode: fc.integer({ min: 1, max: 5 }),
        }),
        fc.array(fc.record({ code: fc.nat(100), data: fc.uint8Array({ min: 1, maxLength: 40 }) }), {
          maxLength: 3,
        }),
        (init, extensions) => {
          const bytes = encodeNiftiHeader({ ...init, extensions });
          const header = parseNiftiHeader(bytes);
          const { shape, version: _, scaling, ...carried } = init;
          expect(header).toMatchObject(carried);
          expect(shape4Of(header)).toEqual(shape);
          const identity = scaling?.slope === 1 && scaling.inter === 0;
          expect(header.scaling).toEqual(identity ? undefined : scaling);
          expect(header.voxOffset).toBe(init.singleFile ? bytes.length : 0);
          expect(header.voxOffset % 16).toBe(0);
          expect(header.hasExtensions).toBe(extensions.length > 0);
          expect(parseExtensions(bytes.subarray(header.headerBytes + 4), init.littleEndian)).toEqual(
            extensions,
          );
        },
      ),
    );
  });

  test("rotations, spacings and flips come back from the qform", () => {
    fc.assert(
      fc.property(
        rotation,
        fc.tuple(...Array.from({ length: 3 }, () => fc.double({ min: 0.1, max: 10, noNaN: true }))),
        fc.constantFrom(1, -1),
        fc.constantFrom(1 as const, 2 as const),
        (matrix, spacing, flip, version) => {
          const affine = [
            ...matrix.flatMap((row) => [
              ...row.map((value, n) => value * spacing[n]! * (n === 1 ? flip : 1)),
              7,
            ]),
            ...[0, 0, 0, 1],
          ];
          const { qformAffine, zooms } = encoded({ affine, version });
          const tolerance = version === 1 ? 2e-5 : 1e-7; // near half turns, w = sqrt(1 - b2 - c2 - d2) is less exact
          for (const [n, value] of affine.entries()) {
            expect(Math.abs(qformAffine![n]! - value)).toBeLessThan(tolerance * 100);
          }
          for (const [n, value] of spacing.entries()) expect(zooms[n]).toBeCloseTo(value, 5);
        },
      ),
    );
  });
});
