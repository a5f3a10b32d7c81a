import { type Affine, createAffine, type DType, isDType, LazyImageError, type Shape4D } from "@lazyimg/core";

/** The fields of an Example header: what `image.header` is. */
export interface ExampleHeader {
  /** (C, I, J, K). */
  readonly shape: Shape4D;
  readonly dtype: DType;
  /** Voxel to world, RAS+ millimetres, row-major. */
  readonly affine: Affine;
}

/** The longest header, its line end included: what is read when an image is opened. */
export const HEADER_BYTES = 4096;

const LINE = /^example 1 (\{.*\})\n/;

/**
 * The header of an Example image: `example 1 {...}` in the first line, JSON in the braces.
 *
 * @param head the file's first `HEADER_BYTES` bytes, or all there are
 * @param what the file, for messages
 * @returns the fields, and the byte of the first voxel
 * @throws LazyImageError `ERR_HEADER`, `ERR_UNSUPPORTED_DTYPE`
 */
export function parseHeader(head: Uint8Array, what: string): { header: ExampleHeader; offset: number } {
  const [line, json] = LINE.exec(new TextDecoder("latin1").decode(head)) ?? [];
  if (line === undefined || json === undefined) {
    throw new LazyImageError(
      "ERR_HEADER",
      `${what} does not begin with "example 1 {...}"; it is another format, or damaged.`,
    );
  }
  const { shape, dtype, affine } = parseJson(json, what);
  if (
    !Array.isArray(shape) ||
    shape.length !== 4 ||
    !shape.every((size) => Number.isSafeInteger(size) && size > 0)
  ) {
    throw new LazyImageError(
      "ERR_HEADER",
      `${what} states shape ${JSON.stringify(shape)}; it must be four sizes above 0.`,
    );
  }
  if (!isDType(dtype)) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED_DTYPE",
      `${what} states dtype ${JSON.stringify(dtype)}, which is none of lazyimg's.`,
    );
  }
  try {
    const header = { shape: shape as unknown as Shape4D, dtype, affine: createAffine(affine as Affine) };
    return { header, offset: line.length };
  } catch (cause) {
    throw new LazyImageError("ERR_HEADER", `${what} states no affine of 16 numbers.`, { cause });
  }
}

function parseJson(json: string, what: string): Record<string, unknown> {
  try {
    return JSON.parse(json) as Record<string, unknown>;
  } catch (cause) {
    throw new LazyImageError("ERR_HEADER", `${what} has a header that is no JSON.`, { cause });
  }
}
