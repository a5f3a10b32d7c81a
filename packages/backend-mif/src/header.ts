import { type DType, LazyImageError, type Shape4D } from "@lazyimg/core";
import { affineOf } from "./affine.js";

/** The header of an MRtrix image: what `image.header` is. */
export interface MifHeader {
  /** Voxels along each axis, as many axes as there are. */
  readonly dim: readonly number[];
  /** Distance between voxels along each axis; NaN where it is not known. */
  readonly vox: readonly number[];
  /** For each axis its rank from the fastest on disk, 0, and whether it runs backwards there. */
  readonly layout: readonly { readonly rank: number; readonly backwards: boolean }[];
  readonly datatype: string;
  /** Three rows of four, millimetres to millimetres: the rotation and the position of voxel (0, 0, 0). */
  readonly transform: readonly (readonly number[])[] | undefined;
  /** Where voxels are: a file's name, "." for this one, and a byte. */
  readonly file: { readonly name: string; readonly offset: number };
  /** Every other entry by its name, such as `dw_scheme`; lines of the same name are joined. */
  readonly fields: Readonly<Record<string, string>>;
}

/** A header with what it means for reading. */
export interface ParsedHeader {
  readonly header: MifHeader;
  /** The file with the voxels, where that is another one. */
  readonly dataFile: string | undefined;
  readonly shape: Shape4D;
  readonly affine: readonly number[];
  readonly affineSource: "transform" | "base";
  /** "bit" is eight voxels in a byte. */
  readonly stored: DType | "bit";
  readonly littleEndian: boolean;
  readonly scaling: { readonly slope: number; readonly inter: number } | undefined;
  /** The order of (C, I, J, K) on disk, fastest first. */
  readonly fastestFirst: readonly number[];
  /** Which of (C, I, J, K) run backwards on disk. */
  readonly backwards: readonly boolean[];
}

const DTYPE_OF: Readonly<Record<string, DType | "bit">> = {
  bit: "bit",
  int8: "int8",
  uint8: "uint8",
  int16: "int16",
  uint16: "uint16",
  int32: "int32",
  uint32: "uint32",
  int64: "int64",
  uint64: "uint64",
  float32: "float32",
  float64: "float64",
  cfloat32: "complex64",
  cfloat64: "complex128",
};

/** Any number of axes of size 1 is an image, but no real one has so many. */
const MOST_AXES = 16;

/** Entries that describe the voxels, whatever case they are written in. */
const OWN = ["dim", "vox", "layout", "datatype", "scaling", "transform", "file"];

const wrong = (what: string, found: string): LazyImageError =>
  new LazyImageError("ERR_HEADER", `${what} is no image that MRtrix would read: ${found.slice(0, 200)}.`);

/** The entries of the header's text, their names in lower case where MRtrix knows them. */
function parseEntries(text: string): Map<string, string[]> {
  const entries = new Map<string, string[]>();
  for (const line of text.split("\n").slice(1)) {
    // What is behind a # is a comment; lines without a colon mean nothing.
    const [, name = "", value = ""] = /^([^:]*):(.*)$/.exec(line.replace(/#.*/, "").trim()) ?? [];
    const lower = name.trim().toLowerCase();
    const key = OWN.includes(lower) ? lower : name.trim();
    if (key === "" || value.trim() === "") continue;
    const lines = entries.get(key) ?? [];
    lines.push(value.trim());
    entries.set(key, lines);
  }
  return entries;
}

const numbers = (list: string): number[] =>
  list.split(",").map((item) => (item.trim() === "" ? Number.NaN : Number(item)));

/**
 * The header of an MRtrix image (.mif, .mih).
 *
 * (I, J, K) is one channel; of the axes behind them one may be longer than 1, the channels. Axes keep the order that the
 * header gives them; MRtrix's own programs turn them toward RAS as they open a file.
 *
 * @param text from the first line to END
 * @throws LazyImageError `ERR_HEADER`, `ERR_UNSUPPORTED` for more axes or several data files, `ERR_UNSUPPORTED_DTYPE`
 */
export function parseMifHeader(text: string, what: string): ParsedHeader {
  if (!text.startsWith("mrtrix image")) throw wrong(what, 'it does not begin with "mrtrix image"');
  const entries = parseEntries(text);
  const entry = (key: string): string => {
    const lines = entries.get(key);
    if (lines === undefined) throw wrong(what, `it has no "${key}"`);
    return lines.at(-1)!;
  };

  const dim = numbers(entry("dim"));
  if (!dim.every((size) => Number.isSafeInteger(size) && size > 0)) {
    throw wrong(what, `dim is ${entry("dim")}, which must be whole numbers above 0`);
  }
  const shape = shapeOf(dim, what);

  const vox = numbers(entry("vox"));
  if (vox.length < Math.min(3, dim.length) || vox.some((size) => size < 0)) {
    throw wrong(what, `vox is ${entry("vox")}, which must be a size for each axis`);
  }

  const layout = entry("layout").split(",").map(layoutOf);
  if (layout.length !== dim.length || !dim.every((_, rank) => layout.some((axis) => axis.rank === rank))) {
    throw wrong(what, `layout is ${entry("layout")}, which must rank ${dim.length} axes from 0`);
  }

  const datatype = entry("datatype");
  const [, type = "", order] = /^(\w+?)(le|be)?$/.exec(datatype.toLowerCase()) ?? [];
  const stored = Object.hasOwn(DTYPE_OF, type) ? DTYPE_OF[type] : undefined;
  const single = type === "bit" || type.endsWith("int8");
  if (stored === undefined || single !== (order === undefined)) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED_DTYPE",
      `${what} has datatype ${datatype.slice(0, 40)}; Bit, Int8, UInt8, and (U)Int16 to 64, Float32, Float64, CFloat32 and CFloat64 with LE or BE are read. Convert it with mrconvert -datatype.`,
    );
  }

  const transform = entries.get("transform")?.map(numbers);
  if (transform && (transform.length < 3 || transform.some((row) => row.length !== 4))) {
    throw wrong(what, "transform needs three rows of four numbers");
  }

  const header: MifHeader = {
    ...{ dim, vox, layout, datatype, transform: transform?.slice(0, 3) },
    file: fileOf(entries.get("file"), what),
    fields: fieldsOf(entries),
  };
  const { affine, affineSource } = affineOf(header);
  if (!affine.every(Number.isFinite)) {
    throw wrong(what, `vox ${vox} and transform ${transform} make an affine that is not finite`);
  }
  const { name } = header.file;
  return {
    header,
    dataFile: name === "." ? undefined : name,
    shape,
    affine,
    affineSource,
    stored,
    littleEndian: order !== "be",
    scaling: scalingOf(entries.get("scaling")?.at(-1), what),
    ...orderOf(header),
  };
}

/** The axis of (C, I, J, K) that an axis of the file becomes. */
function targetOf(axis: number, dim: readonly number[]): number | undefined {
  if (axis < 3) return axis + 1;
  return dim[axis]! > 1 ? 0 : undefined;
}

function shapeOf(dim: readonly number[], what: string): Shape4D {
  const [i = 1, j = 1, k = 1, ...others] = dim;
  const channels = others.filter((size) => size > 1);
  if (channels.length > 1 || dim.length > MOST_AXES) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `${what} has axes (${dim.slice(0, MOST_AXES)}); besides I, J and K one may be longer than 1. Take a part with mrconvert -coord.`,
    );
  }
  return [channels[0] ?? 1, i, j, k];
}

function layoutOf(item: string): { rank: number; backwards: boolean } {
  const [, sign, rank] = /^\s*([+-]?)(\d+)\s*$/.exec(item) ?? [];
  return { rank: Number(rank), backwards: sign === "-" };
}

/** How (C, I, J, K) lie on disk. Axes of size 1 that the image has and the file has not may be anywhere. */
function orderOf({ dim, layout }: MifHeader): Pick<ParsedHeader, "fastestFirst" | "backwards"> {
  const backwards = [false, false, false, false];
  const ranked: number[] = [];
  for (const [axis, { rank, backwards: reversed }] of layout.entries()) {
    const target = targetOf(axis, dim);
    if (target === undefined) continue;
    ranked[rank] = target;
    backwards[target] = reversed;
  }
  const present = ranked.filter((target) => target !== undefined);
  return { fastestFirst: [...present, ...[0, 1, 2, 3].filter((axis) => !present.includes(axis))], backwards };
}

/** `value = offset + scale * stored`; nothing where that changes nothing. */
function scalingOf(text: string | undefined, what: string): ParsedHeader["scaling"] {
  if (text === undefined) return undefined;
  const [inter = Number.NaN, slope = Number.NaN, ...more] = numbers(text);
  if (!Number.isFinite(inter) || !Number.isFinite(slope) || slope === 0 || more.length > 0) {
    throw wrong(what, `scaling is ${text}, which must be an offset and a scale other than 0`);
  }
  return slope === 1 && inter === 0 ? undefined : { slope, inter };
}

function fileOf(lines: readonly string[] | undefined, what: string): MifHeader["file"] {
  if (lines === undefined) throw wrong(what, 'it has no "file"');
  const [, name = "", offset = "0"] = /^(\S+)(?:\s+(\d+))?$/.exec(lines[0]!) ?? [];
  if (name === "" || !Number.isSafeInteger(Number(offset)) || (name === "." && Number(offset) === 0)) {
    throw wrong(what, `file is ${lines[0]}, which must be a name and a byte`);
  }
  if (lines.length > 1 || name.includes("[")) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `${what} keeps its voxels in several files (${lines.join(", ").slice(0, 200)}); convert it with mrconvert to one .mif.`,
    );
  }
  return { name, offset: Number(offset) };
}

function fieldsOf(entries: ReadonlyMap<string, readonly string[]>): Record<string, string> {
  const others = [...entries].filter(([key]) => !OWN.includes(key));
  return Object.fromEntries(others.map(([key, lines]) => [key, lines.join("\n")]));
}
