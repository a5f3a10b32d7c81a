import { LazyImageError } from "@lazyimg/core";
import type { Axes } from "../read/axes.js";
import { isSafePath } from "../store/store.js";
import { badMetadata, isObject, type Json, show } from "./json.js";

/** A matrix with one row for each axis and a last column for the translation, in the axes' own order and units. */
export type AxisMatrix = readonly (readonly number[])[];

/** One image pyramid (OME-Zarr 0.1 to 0.5, "multiscales" metadata; transformations of RFC-5). */
export interface Multiscales {
  /** Which array axis is which. */
  readonly axes: Axes;
  readonly rank: number;
  /** Millimetres of one unit along each axis; 1 for axes that are not spatial. */
  readonly units: readonly number[];
  /** Finest first. `matrix` is undefined where nothing is said. */
  readonly levels: readonly { readonly path: string; readonly matrix: AxisMatrix | undefined }[];
}

/** Millimetres of the units that OME-Zarr 0.4 allows for space. */
const MILLIMETRES: Readonly<Record<string, number>> = {
  angstrom: 1e-7,
  attometer: 1e-15,
  centimeter: 10,
  decimeter: 100,
  exameter: 1e21,
  femtometer: 1e-12,
  foot: 304.8,
  gigameter: 1e12,
  hectometer: 1e5,
  inch: 25.4,
  kilometer: 1e6,
  megameter: 1e9,
  meter: 1000,
  micrometer: 1e-3,
  mile: 1_609_344,
  millimeter: 1,
  nanometer: 1e-6,
  parsec: 3.085677581491367e19,
  petameter: 1e18,
  picometer: 1e-9,
  terameter: 1e15,
  yard: 914.4,
  yoctometer: 1e-21,
  yottameter: 1e27,
  zeptometer: 1e-18,
  zettameter: 1e24,
  // Not in the specification, but in files.
  mm: 1,
  um: 1e-3,
  "\u00b5m": 1e-3,
  nm: 1e-6,
  cm: 10,
  m: 1000,
};

type Role = "i" | "j" | "k" | "t" | "c";
const BY_NAME: Readonly<Record<string, Role>> = {
  x: "i",
  y: "j",
  z: "k",
  t: "t",
  time: "t",
  c: "c",
  channel: "c",
};

/** Names of axes without OME metadata: the last are z, y, x, and before them t, c, as NIfTI-Zarr and OME order them. */
const BY_RANK: Readonly<Record<number, readonly string[]>> = {
  2: ["y", "x"],
  3: ["z", "y", "x"],
  4: ["t", "z", "y", "x"],
  5: ["t", "c", "z", "y", "x"],
};

interface Axis {
  readonly name: string;
  readonly type: string | undefined;
  readonly unit: string | undefined;
}

function roleOf({ name, type }: Axis): Role | undefined {
  const named = BY_NAME[name.toLowerCase()];
  if (type === "time") return "t";
  if (type === "channel") return "c";
  if (type === "space") return named === "i" || named === "j" || named === "k" ? named : undefined;
  return named;
}

/**
 * Which array axis is which, by OME's names and types. Spatial axes with other names are z, y, x in their order; one
 * other axis may serve as channels.
 *
 * @throws LazyImageError `ERR_UNSUPPORTED` when two axes are the same
 */
function axesByName(names: readonly Axis[], key: string): Axes {
  const axes: Partial<Record<Role, number>> = {};
  const spatial: number[] = [];
  const others: number[] = [];
  for (const [n, axis] of names.entries()) {
    const role = roleOf(axis);
    if (role !== undefined && axes[role] !== undefined) {
      throw new LazyImageError(
        "ERR_UNSUPPORTED",
        `${key}: two axes are ${axis.name} of type ${axis.type ?? "unknown"}`,
      );
    }
    if (role !== undefined) axes[role] = n;
    else if (axis.type === "space") spatial.push(n);
    else others.push(n);
  }
  for (const role of ["i", "j", "k"] as const) {
    if (axes[role] === undefined && spatial.length > 0) axes[role] = spatial.pop()!;
  }
  if (axes.c === undefined && others.length > 0) axes.c = others.shift()!;
  else if (axes.t === undefined && others.length > 0) axes.t = others.shift()!;
  if (spatial.length > 0 || others.length > 0) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `${key}: axes ${names.map(({ name }) => name).join(", ")} are more than x, y, z, time and channel`,
    );
  }
  return { i: axes.i, j: axes.j, k: axes.k, t: axes.t, c: axes.c };
}

/** Which axis is which in an array without OME metadata. */
export function axesByRank(rank: number, dimensionNames: readonly string[] | undefined, key: string): Axes {
  const names = BY_RANK[rank];
  if (names === undefined || rank < 3) {
    throw new LazyImageError("ERR_UNSUPPORTED", `${key} has ${rank} axes; images have 3 to 5`);
  }
  const given = dimensionNames?.map((name) => name.toLowerCase());
  const usable =
    given?.length === rank && new Set(given).size === rank && given.every((name) => name in BY_NAME);
  return axesByName(
    (usable ? given : names).map((name) => ({ name, type: undefined, unit: undefined })),
    key,
  );
}

function parseAxes(value: unknown, rank: number | undefined, key: string): Axis[] {
  // 0.1 and 0.2 have no axes at all, 0.3 has bare names.
  if (value === undefined && rank !== undefined) {
    const names = ["t", "c", "z", "y", "x"].slice(5 - rank);
    return names.map((name) => ({ name, type: undefined, unit: undefined }));
  }
  if (!Array.isArray(value) || value.length < 2 || value.length > 8)
    throw badMetadata(key, `axes are ${show(value)}`);
  return value.map((axis: unknown) => {
    if (typeof axis === "string") return { name: axis, type: undefined, unit: undefined };
    if (!isObject(axis) || typeof axis.name !== "string")
      throw badMetadata(key, `axis ${show(axis)} has no name`);
    const text = (field: unknown) => (typeof field === "string" ? field : undefined);
    return { name: axis.name, type: text(axis.type), unit: text(axis.unit) };
  });
}

const identity = (rank: number): number[][] =>
  Array.from({ length: rank }, (_, row) =>
    Array.from({ length: rank + 1 }, (__, column) => (row === column ? 1 : 0)),
  );

/** `a` after `b`. */
function compose(a: AxisMatrix, b: AxisMatrix): AxisMatrix {
  const rank = a.length;
  return a.map((row) =>
    Array.from({ length: rank + 1 }, (_, column) => {
      let sum = column === rank ? row[rank]! : 0;
      // Leaving zeros out keeps 0 * Infinity and -0 away.
      for (let n = 0; n < rank; n++) if (row[n] !== 0 && b[n]![column] !== 0) sum += row[n]! * b[n]![column]!;
      return sum;
    }),
  );
}

function numbersOf(value: unknown, count: number, key: string, what: string): number[] {
  if (
    !Array.isArray(value) ||
    value.length !== count ||
    !value.every((x) => typeof x === "number" && Number.isFinite(x))
  ) {
    throw badMetadata(key, `${what} is ${show(value)}; expected ${count} numbers`);
  }
  return value as number[];
}

/** One coordinate transformation as a matrix. */
function matrixOf(value: unknown, rank: number, key: string, depth = 0): AxisMatrix {
  if (!isObject(value) || depth > 8) throw badMetadata(key, `transformation ${show(value)}`);
  const result = identity(rank);
  switch (value.type) {
    case "identity":
      return result;
    case "scale":
      for (const [n, scale] of numbersOf(value.scale, rank, key, "scale").entries()) result[n]![n] = scale;
      return result;
    case "translation":
      for (const [n, shift] of numbersOf(value.translation, rank, key, "translation").entries())
        result[n]![rank] = shift;
      return result;
    case "affine":
    case "rotation": {
      const rows: unknown = value[value.type];
      const columns = value.type === "affine" ? rank + 1 : rank;
      if (!Array.isArray(rows) || rows.length < rank)
        throw badMetadata(key, `${value.type} is ${show(rows)}`);
      for (let row = 0; row < rank; row++) {
        const numbers = numbersOf(rows[row], columns, key, `a row of ${value.type}`);
        result[row] = columns === rank ? [...numbers, 0] : numbers;
      }
      return result;
    }
    case "sequence":
      return chainOf(value.transformations, rank, key, depth + 1);
    default:
      throw new LazyImageError(
        "ERR_UNSUPPORTED",
        `${key}: transformation ${show(value.type)} is not read; identity, scale, translation, rotation, affine and sequence are`,
      );
  }
}

/** Transformations one after the other. */
function chainOf(value: unknown, rank: number, key: string, depth = 0): AxisMatrix {
  if (!Array.isArray(value)) throw badMetadata(key, `coordinateTransformations are ${show(value)}`);
  return value.reduce(
    (before: AxisMatrix, item) => compose(matrixOf(item, rank, key, depth), before),
    identity(rank),
  );
}

/** The transformations of all levels: the whole list, or of RFC-5's named ones the first, which leads to the world. */
function commonOf(value: unknown, rank: number, key: string): AxisMatrix | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const named = value.every((item) => isObject(item) && item.output !== undefined);
  return chainOf(named ? value.slice(0, 1) : value, rank, key);
}

/**
 * The first image of `multiscales`.
 *
 * @param attributes of the group
 * @param rank of its arrays, where it is known
 * @returns `undefined` where there is no OME metadata
 * @throws LazyImageError `ERR_CORRUPT`, `ERR_UNSUPPORTED`
 */
export function parseMultiscales(attributes: Json, key: string): Multiscales | undefined {
  const list = isObject(attributes.ome) ? attributes.ome.multiscales : attributes.multiscales;
  if (list === undefined) return undefined;
  const first: unknown = Array.isArray(list) ? list[0] : undefined;
  if (!isObject(first)) throw badMetadata(key, `multiscales are ${show(list)}; expected a list of images`);
  const systems = Array.isArray(first.coordinateSystems) ? (first.coordinateSystems as unknown[]) : [];
  const system = systems.find((one) => isObject(one) && Array.isArray(one.axes));
  const axes = parseAxes(first.axes ?? (isObject(system) ? system.axes : undefined), 5, key);
  const rank = axes.length;
  if (!Array.isArray(first.datasets) || first.datasets.length === 0)
    throw badMetadata(key, "multiscales have no datasets");
  const common = commonOf(first.coordinateTransformations, rank, key);
  const levels = first.datasets.map((dataset: unknown) => {
    if (!isObject(dataset) || typeof dataset.path !== "string")
      throw badMetadata(key, `dataset ${show(dataset)}`);
    if (!isSafePath(dataset.path))
      throw badMetadata(key, `dataset path ${show(dataset.path)} leaves the group`);
    const { coordinateTransformations: own } = dataset;
    const matrix = own === undefined ? undefined : chainOf(own, rank, key);
    return { path: dataset.path, matrix: matrix && common ? compose(common, matrix) : (matrix ?? common) };
  });
  const units = axes.map(({ unit, type, name }) => {
    const isSpatial = type === "space" || (type === undefined && /^[xyz]$/i.test(name));
    if (!isSpatial || unit === undefined) return 1;
    const factor = MILLIMETRES[unit];
    if (factor === undefined)
      throw new LazyImageError("ERR_UNSUPPORTED", `${key}: unit ${show(unit)} of axis ${name}`);
    return factor;
  });
  return { axes: axesByName(axes, key), rank, units, levels };
}
