import { type NiftiHeader, parseExtensions, parseNiftiHeader, shape4Of } from "@lazyimg/nifti-header";
import { describe, expect, test } from "vitest";
import { bytesOf, type GoldenCase, goldenCases, hostileCases, textOf } from "./golden.js";

/** What nibabel was asked, in our words. */
function facts(header: NiftiHeader) {
  const { dimInfo, units, scaling, sclSlope, sclInter } = header;
  const axis = (shift: number) => {
    const number = (dimInfo >> shift) & 3;
    return number === 0 ? null : number - 1;
  };
  return {
    version: header.version,
    byteOrder: header.littleEndian ? "little" : "big",
    diskShape: header.shape,
    shape: shape4Of(header),
    dtype: header.dtype,
    affine: header.affine.map((value) => value + 0), // -0 is 0
    affineSource: header.affineSource,
    zooms: header.zooms,
    units: { spatial: units.space, temporal: units.time },
    scaling,
    header: {
      dim: header.dim,
      pixdim: header.pixdim,
      datatype: header.datatypeCode,
      bitpix: header.bitpix,
      voxOffset: header.voxOffset,
      sclSlope,
      sclInter,
      calMin: header.calMin,
      calMax: header.calMax,
      toffset: header.toffset,
      tr: header.repetitionTime,
      xyztUnits: header.xyztUnits,
      qformCode: header.qformCode,
      sformCode: header.sformCode,
      intentCode: header.intentCode,
      intentParams: header.intentParams,
      dimInfo: [axis(0), axis(2), axis(4)],
      sliceCode: header.sliceCode,
      sliceStart: header.sliceStart,
      sliceEnd: header.sliceEnd,
      sliceDuration: header.sliceDuration,
      descrip: header.description,
      auxFile: header.auxFile,
      intentName: header.intentName,
    },
  };
}

function goldenFacts(golden: GoldenCase) {
  const { slope, inter, units, header, differs = [] } = golden;
  const { extensions: _, descrip, auxFile, intentName, ...fields } = header;
  const none = slope === null || inter === null || (slope === 1 && inter === 0) || differs.includes("slope");
  return {
    version: golden.version,
    byteOrder: golden.byteOrder,
    diskShape: golden.diskShape,
    shape: golden.shape,
    dtype: golden.dtype,
    affine: golden.affine,
    affineSource: golden.affineSource,
    zooms: golden.zooms,
    // nibabel refuses to name both when it does not know one.
    units: units ?? { spatial: expect.any(String), temporal: "unknown" },
    scaling: none ? undefined : { slope, inter },
    header: {
      ...fields,
      voxOffset: Math.trunc(header.voxOffset), // as nibabel's get_data_offset()
      descrip: textOf(descrip),
      auxFile: textOf(auxFile),
      intentName: textOf(intentName),
    },
  };
}

describe("nibabel's answers", () => {
  const refused = "layout/pair-single-magic.hdr";

  test.each(goldenCases.filter(({ expect, name }) => expect !== "error" && name !== refused))(
    "$name",
    (golden) => {
      const header = parseNiftiHeader(bytesOf(golden.files[0]!), { name: golden.name });
      // Exactly, qforms too: they are computed with the 64-bit significands of nibabel's long double.
      expect(facts(header)).toEqual(goldenFacts(golden));
    },
  );

  test("a pair's header with the magic of a single file has its voxels inside the header", () => {
    expect(() => parseNiftiHeader(bytesOf(refused), { name: "scan.hdr" })).toThrow(
      "NIfTI header of scan.hdr: vox_offset is 0; expected 352 or more",
    );
  });

  test.each(goldenCases.filter(({ expect }) => expect === "error"))("$name is refused", (golden) => {
    const open = () => shape4Of(parseNiftiHeader(bytesOf(golden.files[0]!)));
    expect(open).toThrow(expect.objectContaining({ name: "LazyImageError", code: golden.code }));
  });

  test.each(goldenCases.filter(({ header }) => header && header.extensions.length > 0))(
    "extensions of $name",
    (golden) => {
      const bytes = bytesOf(golden.files[0]!);
      const { headerBytes, singleFile, voxOffset, littleEndian, hasExtensions } = parseNiftiHeader(bytes);
      expect(hasExtensions).toBe(true);
      const end = singleFile ? voxOffset : bytes.length;
      const extensions = parseExtensions(bytes.subarray(headerBytes + 4, end), littleEndian);
      expect(extensions.map(({ code, data }) => ({ code, length: data.length }))).toEqual(
        golden.header.extensions.map(({ code, length }) => ({ code, length })),
      );
      for (const [n, { hex }] of golden.header.extensions.entries()) {
        if (hex !== null) expect(Buffer.from(extensions[n]!.data).toString("hex")).toBe(hex);
      }
    },
  );
});

describe("broken files", () => {
  /** Voxels beyond 2 ** 53 bytes are an impossible header, whatever the file's size. */
  const impossible = /^(giant-(2-53|2-63|product|wraps|1-past)|promise-(past-2-53|7d))/;

  test.each(hostileCases.filter(({ files }) => /\.(nii|hdr)$/.test(files[0]!)))(
    "$files: $problem",
    ({ files: [file], code, expect: outcome, stage }) => {
      const open = () => shape4Of(parseNiftiHeader(bytesOf(`hostile/${file}`)));
      const due = impossible.test(file!) ? "ERR_HEADER" : code;
      if (
        outcome === "error" &&
        (stage === "open" || due === "ERR_HEADER") &&
        !/offset-\d{6,}|past/.test(file!)
      ) {
        expect(open).toThrow(expect.objectContaining({ name: "LazyImageError", code: due }));
        return;
      }
      // Voxels that are missing, and extensions: not to be seen in the header. It is sound, or the error is the one due.
      try {
        open();
      } catch (error) {
        expect(error).toMatchObject({ name: "LazyImageError", code: due });
      }
    },
  );
});
