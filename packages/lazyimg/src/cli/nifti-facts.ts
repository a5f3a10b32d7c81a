import type { NiftiImageHeader } from "@lazyimg/backend-nifti";

/** What `info` tells of a NIfTI header. */
export interface NiftiFacts {
  readonly version: 1 | 2;
  readonly byteOrder: "little" | "big";
  /** Whether header and voxels are in one file. */
  readonly singleFile: boolean;
  /** One size per axis on disk. */
  readonly dim: readonly number[];
  readonly datatype: number;
  readonly units: { readonly space: string; readonly time: string };
  /** In `units.time`; `null` where there is one volume. */
  readonly repetitionTime: number | null;
  /** `null` where values are as stored. */
  readonly scaling: { readonly slope: number; readonly inter: number } | null;
  readonly intent: {
    readonly code: number;
    readonly name: string;
    readonly params: readonly number[];
  } | null;
  /** The display range that the file recommends. */
  readonly cal: { readonly min: number; readonly max: number } | null;
  readonly description: string;
  readonly auxFile: string;
  readonly qformCode: number;
  readonly sformCode: number;
  readonly hasExtensions: boolean;
}

/** Whether a backend's `header` is that of a NIfTI image. */
function isNifti(header: unknown): header is NiftiImageHeader {
  if (typeof header !== "object" || header === null) return false;
  const { version, datatypeCode, sformCode, pixdim } = header as Partial<NiftiImageHeader>;
  return (
    (version === 1 || version === 2) &&
    typeof datatypeCode === "number" &&
    typeof sformCode === "number" &&
    Array.isArray(pixdim)
  );
}

/** What is told of the header, or `null` where it is no NIfTI header. */
export function niftiFacts(header: unknown): NiftiFacts | null {
  if (!isNifti(header)) return null;
  const { shape, scaling, calMin, calMax, intentCode, intentName, intentParams } = header;
  return {
    version: header.version,
    byteOrder: header.littleEndian ? "little" : "big",
    singleFile: header.singleFile,
    dim: shape,
    datatype: header.datatypeCode,
    units: header.units,
    repetitionTime: (shape[3] ?? 1) > 1 ? header.repetitionTime : null,
    scaling: scaling === undefined ? null : { slope: scaling.slope, inter: scaling.inter },
    intent:
      intentCode === 0 && intentName === ""
        ? null
        : { code: intentCode, name: intentName, params: intentParams },
    cal: calMin === calMax ? null : { min: calMin, max: calMax },
    description: header.description,
    auxFile: header.auxFile,
    qformCode: header.qformCode,
    sformCode: header.sformCode,
    hasExtensions: header.hasExtensions,
  };
}
