import { createAffine, DTYPES, type DType, defineBackend, type Tensor } from "@lazyimg/core";
import { backendSuite, type CountingSource, countingSource, type Subject, volume } from "@lazyimg/testkit";
import { describe, expect, test } from "vitest";
import { collect } from "./fixtures/collect.js";
import { openPlaneFile, type PlaneOptions, planeFile } from "./fixtures/plane-file.js";

const { tensor, affine } = volume({ dtype: "int16", shape: [2, 13, 12, 11] });
const file = planeFile(tensor, affine);

async function plane(options: PlaneOptions = {}): Promise<Subject & { readonly source: CountingSource }> {
  const source = countingSource(file);
  const backend = await openPlaneFile(source, options);
  const { scaling } = options;
  if (scaling === undefined) return { backend, source, expected: tensor, affine };
  const scaled = tensor.astype("float64");
  for (let n = 0; n < scaled.data.length; n++)
    scaled.data[n] = scaled.data[n]! * scaling.slope + scaling.inter;
  return { backend, source, expected: scaled, stored: tensor, affine };
}

describe("a dense driver", () => {
  backendSuite({ test, create: () => plane() });
});

describe("a strided driver", () => {
  backendSuite({ test, create: () => plane({ strided: true }) });
});

describe("a driver with scaling", () => {
  backendSuite({ test, create: () => plane({ scaling: { slope: 0.5, inter: -3.25 } }) });
});

describe.each(Object.keys(DTYPES) as DType[])("a driver in memory, of %s", (dtype) => {
  const made = volume({ dtype, shape: [1, 4, 5, 6] });
  backendSuite({
    test,
    supports: { explain: false },
    create() {
      const backend = defineBackend({
        shape: made.tensor.shape,
        affine: made.affine,
        dtype,
        readRegion: async (range) => (made.tensor as Tensor).slice(range.map(toSlice)).copy("F"),
      });
      return { backend, source: made.tensor, expected: made.tensor.copy(), affine: made.affine };
    },
  });
});

function toSlice({ start, step, size }: { start: number; step: number; size: number }) {
  return { start, stop: start + step * size, step };
}

test("a source is shared with the backend, and everything is cleaned up after each rule", async () => {
  const sources: CountingSource[] = [];
  let cleanups = 0;
  const { names, failures } = await collect({
    async create() {
      const subject = await plane();
      sources.push(subject.source);
      return { ...subject, cleanup: () => void cleanups++ };
    },
  });
  expect([...failures]).toEqual([]);
  expect(names.length).toBeGreaterThan(30);
  expect(new Set(names).size).toBe(names.length);
  expect(cleanups).toBe(names.length);
  expect(sources.every((source) => source.closed)).toBe(true);
});

test("names are put before the rules", async () => {
  const { names } = await collect({ name: "mine", create: () => plane() });
  expect(names.every((name) => name.startsWith("mine: "))).toBe(true);
});

test("a subject that cannot be made fails every rule", async () => {
  const { names, failures } = await collect({ create: () => Promise.reject(new Error("no file")) });
  expect([...failures.keys()]).toEqual(names);
});

test("an image without channels or depth passes too", async () => {
  const flat = volume({ dtype: "int16", shape: [1, 60, 61, 1], affine: createAffine(affine) });
  const { failures } = await collect({
    async create() {
      const source = countingSource(planeFile(flat.tensor, affine));
      return { backend: await openPlaneFile(source), expected: flat.tensor, affine, source };
    },
  });
  // One plane is all the planes: this format cannot read less.
  expect([...failures.keys()]).toEqual(
    ["one voxel takes less than the whole source"].slice(0, failures.size),
  );
});

test("a failure says where, what was found and what was expected", async () => {
  const { failures } = await collect({
    only: ["toTensor() gives every voxel"],
    async create() {
      const expected = tensor.copy();
      expected.data[expected.data.length - 1] = 5;
      return { ...(await plane()), expected };
    },
  });
  expect(failures.get("toTensor() gives every voxel")).toMatchObject({
    message: `toTensor(), at (1, 12, 11, 10): got ${tensor.at(-1, -1, -1, -1)}, expected 5; 1 of 3432 entries differ.`,
  });
});
