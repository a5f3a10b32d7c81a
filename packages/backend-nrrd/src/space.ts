import { LazyImageError } from "@lazyimg/core";
import { type NrrdFields, quoted } from "./fields.js";

/** The world that an NRRD lies in. */
export interface NrrdSpace {
  readonly dimension: number;
  /** By what its x, y and z are multiplied to be RAS+. */
  readonly signs: readonly [x: number, y: number, z: number];
}

/** What RAS+ is to LPS+; spaces that do not say where left is are taken for LPS+, as ITK does. */
export const LPS: NrrdSpace["signs"] = [-1, -1, 1];

const SPACES: ReadonlyMap<string, NrrdSpace["signs"]> = /* @__PURE__ */ new Map([
  ["right-anterior-superior", [1, 1, 1]],
  ["ras", [1, 1, 1]],
  ["left-anterior-superior", [-1, 1, 1]],
  ["las", [-1, 1, 1]],
  ["left-posterior-superior", LPS],
  ["lps", LPS],
  ["scanner-xyz", LPS],
  ["3d-right-handed", LPS],
  ["3d-left-handed", LPS],
]);

/**
 * The world that the header names, or `null`.
 *
 * @throws LazyImageError `ERR_HEADER` for a space that NRRD does not have, `ERR_UNSUPPORTED` for more than 3 axes and time
 */
export function spaceOf({ fields }: NrrdFields, what: string): NrrdSpace | null {
  const { space } = fields;
  const dimension = fields["space dimension"];
  if (space === undefined && dimension === undefined) return null;
  if (space !== undefined) {
    const name = space.toLowerCase();
    const still = name.replace(/-time$|(?<=^(ras|las|lps))t$/, "");
    const signs = SPACES.get(still);
    if (signs !== undefined) return { dimension: name === still ? 3 : 4, signs };
    throw new LazyImageError(
      "ERR_HEADER",
      `${what} lies in the space ${quoted(space)}, which NRRD does not have.`,
    );
  }
  if (!/^[123]$/.test(dimension!)) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `${what} lies in a space of dimension ${quoted(dimension!)}; those of 1 to 3 are read, and named ones.`,
    );
  }
  return { dimension: Number(dimension), signs: LPS };
}

/** A vector of numbers as NRRD writes it: (1,0,0.5). `null` where it is none. */
function parseVector(text: string): number[] | null {
  const inside = /^\(([^()]*)\)$/.exec(text)?.[1];
  const numbers = inside?.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  return numbers?.every(Number.isFinite) ? numbers : null;
}

/** A field that is a vector of the space. */
export function vectorOf(text: string, field: string, { dimension }: NrrdSpace, what: string): number[] {
  const vector = parseVector(text);
  if (vector?.length === dimension) return vector;
  throw new LazyImageError(
    "ERR_HEADER",
    `${what} has ${quoted(text)} in "${field}"; expected ${dimension} finite numbers in parentheses.`,
  );
}

/** Whether an axis goes through time and not through space. */
export function isTimeAxis(direction: readonly number[]): boolean {
  return direction.length === 4 && direction[3] !== 0;
}

/**
 * The step between neighbours along every axis, in the header's own world; `null` for an axis without one, and where
 * the header has none at all.
 *
 * @throws LazyImageError `ERR_HEADER` when they are no vectors, or not as many as there are axes; `ERR_UNSUPPORTED` for an
 * axis that goes through space and time
 */
export function directionsOf(
  header: NrrdFields,
  count: number,
  what: string,
): readonly (readonly number[] | null)[] | null {
  const field = "space directions";
  const text = header.fields[field];
  const space = spaceOf(header, what);
  if (text === undefined) return null;
  if (space === null) {
    throw new LazyImageError("ERR_HEADER", `${what} has "${field}", but no space that they are of.`);
  }
  // Some programs write spaces inside of a vector.
  const parts = text.match(/\([^()]*\)|[^\s()]+/g) ?? [];
  if (parts.length !== count) {
    throw new LazyImageError(
      "ERR_HEADER",
      `${what} has ${parts.length} parts in "${field}" for ${count} axes; its header is damaged.`,
    );
  }
  return parts.map((part) => {
    // The vector that is none, in two spellings.
    if (/^(none|\(nan(,nan)*\))$/i.test(part.replace(/\s/g, ""))) return null;
    const direction = vectorOf(part, field, space, what);
    if (isTimeAxis(direction) && direction.slice(0, 3).some((step) => step !== 0)) {
      throw new LazyImageError(
        "ERR_UNSUPPORTED",
        `${what} has an axis that goes through space and time, ${part}; either is read.`,
      );
    }
    return direction;
  });
}
