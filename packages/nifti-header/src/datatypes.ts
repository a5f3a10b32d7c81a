import type { DType } from "@lazyimg/core";

/** What a value of the `datatype` field means. */
export interface NiftiDatatype {
  /** Data type of one sample. */
  readonly dtype: DType;
  /** Samples of one voxel, interleaved: 3 for RGB24, 4 for RGBA32, otherwise 1. */
  readonly samples: 1 | 3 | 4;
  /** The name in nifti1.h, without `NIFTI_TYPE_`. */
  readonly name: string;
}

const type = (dtype: DType, name: string, samples: 1 | 3 | 4 = 1): NiftiDatatype => ({
  dtype,
  samples,
  name,
});

/** Every `datatype` code that JavaScript can hold (`NIFTI_TYPE_*` in nifti1.h). */
export const NIFTI_DATATYPES: Readonly<Record<number, NiftiDatatype>> = /* @__PURE__ */ Object.freeze({
  2: /* @__PURE__ */ type("uint8", "UINT8"),
  4: /* @__PURE__ */ type("int16", "INT16"),
  8: /* @__PURE__ */ type("int32", "INT32"),
  16: /* @__PURE__ */ type("float32", "FLOAT32"),
  32: /* @__PURE__ */ type("complex64", "COMPLEX64"),
  64: /* @__PURE__ */ type("float64", "FLOAT64"),
  128: /* @__PURE__ */ type("uint8", "RGB24", 3),
  256: /* @__PURE__ */ type("int8", "INT8"),
  512: /* @__PURE__ */ type("uint16", "UINT16"),
  768: /* @__PURE__ */ type("uint32", "UINT32"),
  1024: /* @__PURE__ */ type("int64", "INT64"),
  1280: /* @__PURE__ */ type("uint64", "UINT64"),
  1792: /* @__PURE__ */ type("complex128", "COMPLEX128"),
  2304: /* @__PURE__ */ type("uint8", "RGBA32", 4),
});

/** Codes that nifti1.h defines and that no reader here can hold. */
export const UNSUPPORTED_DATATYPES: Readonly<Record<number, string>> = {
  0: "unknown",
  1: "binary, 1 bit a voxel",
  255: "all",
  1536: "float128",
  2048: "complex256",
};

/** The `datatype` code of a data type, or undefined where NIfTI has none. */
export function datatypeCodeOf(dtype: DType, samples: 1 | 3 | 4 = 1): number | undefined {
  const found = Object.entries(NIFTI_DATATYPES).find(
    ([, known]) => known.dtype === dtype && known.samples === samples,
  );
  return found && Number(found[0]);
}
