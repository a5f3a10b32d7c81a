import { type DType, LazyImageError, type Shape4D } from "@lazyimg/core";
import { type ArrayLayout, stridesInOrder } from "@lazyimg/raw-array";
import { isNpy } from "./match.js";

/** The header of a .npy file: what `image.header` is. */
export interface NpyHeader {
  /** Of the file format: 1, 2 or 3. */
  readonly version: number;
  /** numpy's name of the stored type, with its byte order: `<f4`. */
  readonly descr: string;
  readonly fortranOrder: boolean;
  /** numpy's shape, as many axes as there are. */
  readonly shape: readonly number[];
}

/** A header with what it means for reading. */
export interface ParsedHeader {
  readonly header: NpyHeader;
  /** What voxels are when they are read: float32 for float16, which is stored as uint16 in the `layout`. */
  readonly dtype: DType;
  readonly layout: ArrayLayout;
}

/** Longest header that is read: numpy's own limit. */
const MOST_CHARACTERS = 10_000;

const DTYPE_OF: Readonly<Record<string, DType>> = {
  b1: "uint8",
  i1: "int8",
  u1: "uint8",
  i2: "int16",
  u2: "uint16",
  i4: "int32",
  u4: "uint32",
  i8: "int64",
  u8: "uint64",
  f2: "uint16",
  f4: "float32",
  f8: "float64",
  c8: "complex64",
  c16: "complex128",
};

const wrong = (what: string, found: string): LazyImageError =>
  new LazyImageError("ERR_HEADER", `${what} is no .npy file that numpy would read: ${found}.`);

/**
 * Bytes before the voxels: magic, version, length and text.
 *
 * @param head the file's first 12 bytes or more
 * @throws LazyImageError `ERR_HEADER`, `ERR_UNSUPPORTED` for a version that numpy has not made yet
 */
export function headerBytes(head: Uint8Array, what: string): number {
  if (!isNpy(head)) throw wrong(what, 'it does not begin with "\\x93NUMPY"');
  const version = head[6] ?? 0;
  if (version < 1 || version > 3) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `${what} is .npy of version ${version}; 1, 2 and 3 are read.`,
    );
  }
  const prefix = version === 1 ? 10 : 12;
  if (head.length < prefix) throw wrong(what, `it ends after ${head.length} bytes`);
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MOST_CHARACTERS) {
    throw wrong(what, `its header states ${length} characters, and numpy reads ${MOST_CHARACTERS} at most`);
  }
  return prefix + length;
}

/** One entry of the text, which is a Python dict with three keys, in whatever order and quotes. */
const ENTRY =
  /\s*(['"])(?:descr\1\s*:\s*(['"])(?<descr>.*?)\2|fortran_order\1\s*:\s*(?<fortran>True|False)|shape\1\s*:\s*\((?<sizes>[\d\sL,]*)\))\s*(?:,|(?=\}))/y;
/** A structured type is a list of fields; a subarray a tuple. */
const STRUCTURED = /\s*(['"])descr\1\s*:\s*[[(]/y;
const BEGIN = /\s*\{/y;
const END = /\s*\}\s*$/y;

/** What the header's text says. It is matched, never evaluated. */
function parseText(text: string, what: string): { descr: string; fortran: string; sizes: string } {
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    at += match?.[0].length ?? 0;
    return match;
  };
  const found: Record<string, string> = {};
  if (take(BEGIN)) {
    while (!take(END)) {
      if (take(STRUCTURED)) throw unsupported(what, "a structured type");
      const entry = take(ENTRY);
      if (entry === null) throw wrong(what, `its header is ${JSON.stringify(text.trim().slice(0, 200))}`);
      for (const [key, value] of Object.entries(entry.groups!)) if (value !== undefined) found[key] = value;
    }
  }
  const { descr, fortran, sizes } = found;
  if (descr === undefined || fortran === undefined || sizes === undefined) {
    throw wrong(what, "its header needs descr, fortran_order and shape");
  }
  return { descr, fortran, sizes };
}

function unsupported(what: string, found: string): LazyImageError {
  return new LazyImageError(
    "ERR_UNSUPPORTED_DTYPE",
    `${what} holds ${found}; bool, integers of 8 to 64 bits, float16 to float64, complex64 and complex128 are read. Convert it with numpy's astype.`,
  );
}

/** Axes of numpy's shape, which may be written by Python 2: `(4L, 5L)`. */
function parseShape(tuple: string, what: string): number[] {
  const items = tuple
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  const axes = items.map((item) => Number(/^(\d+)L?$/.exec(item)?.[1]));
  if (!axes.every(Number.isSafeInteger)) throw wrong(what, `its shape is (${tuple})`);
  if (axes.length === 0 || axes.length > 4 || axes.includes(0)) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `${what} has shape (${axes}); images have shape (I, J, K) or (C, I, J, K), and a voxel at least. Reshape it with numpy.`,
    );
  }
  return axes;
}

/**
 * The header of a .npy file (numpy.lib.format, versions 1 to 3).
 *
 * (I), (I, J) and (I, J, K) are one channel; (C, I, J, K) are C.
 *
 * @param head the first `headerBytes(head)` bytes of the file
 * @throws LazyImageError `ERR_HEADER`, `ERR_UNSUPPORTED` for other shapes, `ERR_UNSUPPORTED_DTYPE` for structured
 * types, strings, dates and Python objects
 */
export function parseNpyHeader(head: Uint8Array, what: string): ParsedHeader {
  const text = new TextDecoder("latin1").decode(head.subarray(head[6] === 1 ? 10 : 12));
  const { descr, fortran, sizes } = parseText(text, what);
  const [, order, type = ""] = /^([<>|=]?)(\w+)$/.exec(descr) ?? [];
  if (type.startsWith("O")) throw unsupported(what, "pickled Python objects, which are never read,");
  const stored = Object.hasOwn(DTYPE_OF, type) ? DTYPE_OF[type] : undefined;
  if (stored === undefined) throw unsupported(what, `type ${JSON.stringify(descr)}`);
  const axes = parseShape(sizes, what);
  const [c = 1, i = 1, j = 1, k = 1] = axes.length === 4 ? axes : [1, ...axes];
  const shape: Shape4D = [c, i, j, k];
  const fortranOrder = fortran === "True";
  return {
    header: { version: head[6]!, descr, fortranOrder, shape: axes },
    dtype: type === "f2" ? "float32" : stored,
    layout: {
      offset: head.length,
      dtype: stored,
      littleEndian: order !== ">",
      shape,
      strides: stridesInOrder(shape, fortranOrder ? [0, 1, 2, 3] : [3, 2, 1, 0]),
    },
  };
}
