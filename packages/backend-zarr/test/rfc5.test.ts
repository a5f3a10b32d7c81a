import { zarrStore } from "@lazyimg/backend-zarr/backend";
import { type Affine, createRequest, type ImageDataBackend } from "@lazyimg/core";
import { describe, expect, test } from "vitest";

/** The coordinate transformations of OME-Zarr's RFC-5: matrices are worked out by hand here. */

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const array = (shape: readonly number[]) =>
  json({
    zarr_format: 3,
    node_type: "array",
    shape,
    data_type: "uint8",
    chunk_grid: { name: "regular", configuration: { chunk_shape: shape } },
    chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
    fill_value: 0,
    codecs: [{ name: "bytes" }],
    attributes: {},
  });

const space = (name: string, unit = "millimeter") => ({ name, type: "space", unit });
const AXES = [space("z"), space("y"), space("x")];

/** An image whose levels have these transformations, and the whole of it others. */
async function open(
  levels: readonly unknown[],
  common?: unknown,
  axes: readonly unknown[] = AXES,
): Promise<ImageDataBackend> {
  const rank = axes.length;
  const multiscales = {
    coordinateSystems: [
      { name: "world", axes },
      { name: "other", axes },
    ],
    datasets: levels.map((own, n) => ({ path: String(n), coordinateTransformations: [own] })),
    ...(common !== undefined && { coordinateTransformations: common }),
  };
  const store = new Map<string, Uint8Array>([
    [
      "/zarr.json",
      json({
        zarr_format: 3,
        node_type: "group",
        attributes: { ome: { version: "0.6", multiscales: [multiscales] } },
      }),
    ],
    ...levels.map((_, n) => [`/${n}/zarr.json`, array(Array(rank).fill(8 >> n))] as const),
  ]);
  return (await zarrStore.open(createRequest(store), {}))!;
}

const between = { input: "0", output: "world" };

function expectAffine(found: Affine, rows: readonly (readonly number[])[]): void {
  for (const [n, value] of [...rows.flat(), 0, 0, 0, 1].entries()) expect(found[n]).toBeCloseTo(value, 12);
}

describe("one transformation, over z, y, x", () => {
  // Rows and columns of the array are z, y, x; those of the image's affine are x, y, z.
  const cases: readonly (readonly [
    name: string,
    transformation: unknown,
    rows: readonly (readonly number[])[],
  ])[] = [
    [
      "affine",
      {
        type: "affine",
        affine: [
          [4, 0.5, 0.25, 10],
          [0, 3, 0.125, 20],
          [0.75, 0, 2, 30],
        ],
      },
      [
        [2, 0, 0.75, 30],
        [0.125, 3, 0, 20],
        [0.25, 0.5, 4, 10],
      ],
    ],
    [
      "rotation",
      // A quarter turn in the plane of z and y: z of the world is -y of the array, y is z.
      {
        type: "rotation",
        rotation: [
          [0, -1, 0],
          [1, 0, 0],
          [0, 0, 1],
        ],
      },
      [
        [1, 0, 0, 0],
        [0, 0, 1, 0],
        [0, -1, 0, 0],
      ],
    ],
    [
      "sequence, the first one first",
      {
        type: "sequence",
        transformations: [
          { type: "scale", scale: [4, 3, 2] },
          {
            type: "rotation",
            rotation: [
              [0, -1, 0],
              [1, 0, 0],
              [0, 0, 1],
            ],
          },
          { type: "translation", translation: [10, 20, 30] },
        ],
      },
      [
        [2, 0, 0, 30],
        [0, 0, 4, 20],
        [0, -3, 0, 10],
      ],
    ],
    [
      "a sequence in a sequence",
      {
        type: "sequence",
        transformations: [
          { type: "identity" },
          {
            type: "sequence",
            transformations: [
              { type: "translation", translation: [1, 1, 1] },
              { type: "scale", scale: [4, 3, 2] },
            ],
          },
        ],
      },
      [
        [2, 0, 0, 2],
        [0, 3, 0, 3],
        [0, 0, 4, 4],
      ],
    ],
  ];

  test.each(cases)("%s", async (_, transformation, rows) => {
    const image = await open([{ ...(transformation as object), ...between }]);
    expect(image.affineSource).toBe("ome");
    expectAffine(image.affine, rows);
  });
});

test("units become millimetres, each axis its own", async () => {
  const axes = [space("z", "micrometer"), space("y", "meter"), space("x")];
  const image = await open(
    [
      {
        type: "affine",
        affine: [
          [500, 0, 0, 1000],
          [0, 0.001, 0, 0.002],
          [0, 0, 1, 3],
        ],
      },
    ],
    undefined,
    axes,
  );
  expectAffine(image.affine, [
    [1, 0, 0, 3],
    [0, 1, 0, 2],
    [0, 0, 0.5, 1],
  ]);
});

test("time and channels are left out of the affine", async () => {
  const axes = [{ name: "t", type: "time", unit: "second" }, { name: "c", type: "channel" }, ...AXES];
  const affine = [
    [2.5, 0, 0, 0, 0, 7],
    [0, 1, 0, 0, 0, 0],
    [0, 0, 4, 0.5, 0.25, 10],
    [0, 0, 0, 3, 0, 20],
    [0, 0, 0, 0, 2, 30],
  ];
  const image = await open([{ type: "affine", affine }], undefined, axes);
  expect(image.shape).toEqual([64, 8, 8, 8]);
  expectAffine(image.affine, [
    [2, 0, 0, 30],
    [0, 3, 0, 20],
    [0.25, 0.5, 4, 10],
  ]);
});

test("levels come before the whole image's, of which the first named one counts", async () => {
  const rotation = [
    [0, -1, 0],
    [1, 0, 0],
    [0, 0, 1],
  ];
  const level = (factor: number) => ({
    type: "sequence",
    transformations: [
      { type: "scale", scale: [4 * factor, 3 * factor, 2 * factor] },
      { type: "translation", translation: [4, 3, 2].map((size) => (size * (factor - 1)) / 2) },
    ],
  });
  const image = await open(
    [level(1), level(2)],
    [
      { type: "rotation", rotation, input: "array", output: "world" },
      { type: "scale", scale: [99, 99, 99], input: "array", output: "other" },
    ],
  );
  const [finest, coarse] = image.levels!;
  expectAffine(finest!.affine, [
    [2, 0, 0, 0],
    [0, 0, 4, 0],
    [0, -3, 0, 0],
  ]);
  // Voxel (0, 0, 0) of level 1 lies at (1/2, 1/2, 1/2) of level 0: z 2, y 1.5, x 1, then turned.
  expectAffine(coarse!.affine, [
    [4, 0, 0, 1],
    [0, 0, 8, 2],
    [0, -6, 0, -1.5],
  ]);
  expect(coarse!.shape).toEqual([1, 4, 4, 4]);
});

test.each([
  ["ERR_UNSUPPORTED", { type: "displacements", path: "field" }],
  ["ERR_UNSUPPORTED", { type: "byDimension", transformations: [] }],
  ["ERR_CORRUPT", { type: "affine", affine: [[1, 0, 0, 0]] }],
  [
    "ERR_CORRUPT",
    {
      type: "affine",
      affine: [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
    },
  ],
  [
    "ERR_CORRUPT",
    {
      type: "rotation",
      rotation: [
        ["1", 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
    },
  ],
  ["ERR_CORRUPT", { type: "sequence", transformations: "none" }],
  ["ERR_CORRUPT", { type: "scale", scale: [1, 2] }],
])("%s: %j", async (code, transformation) => {
  await expect(open([transformation])).rejects.toMatchObject({ code });
});

test("sequences without end are refused", async () => {
  let nested: unknown = { type: "identity" };
  for (let n = 0; n < 100; n++) nested = { type: "sequence", transformations: [nested] };
  await expect(open([nested])).rejects.toMatchObject({ code: "ERR_CORRUPT" });
});
