import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { niftiZarr, remoteZarr, zarrStore } from "@lazyimg/backend-zarr/backend";
import { writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { createRequest, type ImageDataBackend, Tensor } from "@lazyimg/core";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { archive, files } from "./golden.js";

type Files = Map<string, Uint8Array>;

/** The parts of the metadata that are changed here. */
interface Meta {
  shape: number[];
  chunks: number[];
  dtype: unknown;
  data_type: unknown;
  compressor: unknown;
  fill_value: unknown;
  filters: unknown;
  codecs: { name: string; configuration: { chunk_shape: number[]; index_codecs: unknown[] } }[];
  chunk_grid: { name: string; configuration: { chunk_shape: number[] } };
  attributes: {
    ome: {
      multiscales: {
        datasets: { path: string; coordinateTransformations: { type: string; scale: number[] }[] }[];
      }[];
    };
  };
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Changes one metadata file. */
function edit(map: Files, key: string, change: (meta: Meta) => unknown): Files {
  const meta = JSON.parse(new TextDecoder().decode(map.get(key)!)) as Meta;
  map.set(key, encode(change(meta) ?? meta));
  return map;
}

const open = async (map: Files, readerOptions = {}): Promise<ImageDataBackend> =>
  (await zarrStore.open(createRequest(map, { readerOptions }), {}))!;

const good = "niizarr-v3-blosc";
const bare = "v2-gzip";

/** What is wrong, and the code and words that tell it. */
const openings: [string, () => Files, string, RegExp][] = [
  ["nothing at all", () => new Map(), "ERR_NOT_FOUND", /No Zarr metadata/],
  [
    "metadata that are no JSON",
    () => new Map([["/zarr.json", encode("x").subarray(1)]]),
    "ERR_CORRUPT",
    /not JSON/,
  ],
  ["a list for metadata", () => new Map([["/zarr.json", encode([])]]), "ERR_CORRUPT", /expected an object/],
  [
    "a group without an image",
    () => new Map([["/zarr.json", encode({ zarr_format: 3, node_type: "group", attributes: {} })]]),
    "ERR_UNSUPPORTED",
    /without OME metadata/,
  ],
  ["half a group", () => without(files(good), "/1/zarr.json"), "ERR_NOT_FOUND", /level 1/],
  ["a header without voxels", () => without(files(good), "/0/zarr.json"), "ERR_NOT_FOUND", /level 0/],
  [
    "a path out of the group",
    () =>
      edit(files(good), "/zarr.json", (meta: Meta) => {
        meta.attributes.ome.multiscales[0]!.datasets[0]!.path = "../0";
      }),
    "ERR_CORRUPT",
    /leaves the group/,
  ],
  [
    "an absolute path",
    () =>
      edit(files(good), "/zarr.json", (meta: Meta) => {
        meta.attributes.ome.multiscales[0]!.datasets[0]!.path = "/etc";
      }),
    "ERR_CORRUPT",
    /leaves the group/,
  ],
  [
    "no datasets",
    () =>
      edit(files(good), "/zarr.json", (meta: Meta) => {
        meta.attributes.ome.multiscales[0]!.datasets = [];
      }),
    "ERR_CORRUPT",
    /no datasets/,
  ],
  [
    "an infinite scale",
    () =>
      edit(files(good), "/zarr.json", (meta: Meta) => {
        meta.attributes.ome.multiscales[0]!.datasets[1]!.coordinateTransformations[0]!.scale = [
          1e308 * 10,
          1,
          1,
        ];
      }),
    "ERR_CORRUPT",
    /scale/,
  ],
  [
    "a transformation of another kind",
    () =>
      edit(files(good), "/zarr.json", (meta: Meta) => {
        meta.attributes.ome.multiscales[0]!.datasets[1]!.coordinateTransformations[0]!.type = "displacements";
      }),
    "ERR_UNSUPPORTED",
    /displacements/,
  ],
  [
    "levels that grow",
    () =>
      edit(files(good), "/1/zarr.json", (meta: Meta) => {
        meta.shape = [99, 18, 21];
      }),
    "ERR_CORRUPT",
    /larger/,
  ],
  [
    "levels of other types",
    () =>
      edit(files(good), "/1/zarr.json", (meta: Meta) => {
        meta.data_type = "uint8";
      }),
    "ERR_CORRUPT",
    /uint8/,
  ],
  [
    "levels of other ranks",
    () =>
      edit(files(good), "/1/zarr.json", (meta: Meta) => {
        meta.shape = [1, 2];
        meta.chunk_grid.configuration.chunk_shape = [1, 2];
      }),
    "ERR_CORRUPT",
    /axes/,
  ],
  [
    "a header that disagrees with its array",
    () =>
      edit(files(good), "/0/zarr.json", (meta: Meta) => {
        meta.shape = [9, 18, 20];
      }),
    "ERR_CORRUPT",
    /header says/,
  ],
  [
    "a header of another type",
    () => {
      const map = files(good);
      for (const n of [0, 1, 2])
        edit(map, `/${n}/zarr.json`, (meta: Meta) => {
          meta.data_type = "uint16";
        });
      return map;
    },
    "ERR_CORRUPT",
    /header says/,
  ],
  [
    "a header that is none",
    () => files(good).set("/nifti/c/0", new Uint8Array(348)),
    "ERR_HEADER",
    /not NIfTI/,
  ],
  ["a header that was cut", () => files(good).set("/nifti/c/0", new Uint8Array(10)), "ERR_CORRUPT", /nifti/],
  [
    "a shape that overflows",
    () =>
      edit(files(bare), "/.zarray", (meta: Meta) => {
        meta.shape = [2 ** 30, 2 ** 30, 13];
      }),
    "ERR_CORRUPT",
    /2 \*\* 53/,
  ],
  [
    "a negative shape",
    () =>
      edit(files(bare), "/.zarray", (meta: Meta) => {
        meta.shape = [-1, 10, 13];
      }),
    "ERR_CORRUPT",
    /shape/,
  ],
  [
    "a shape of zero",
    () =>
      edit(files(bare), "/.zarray", (meta: Meta) => {
        meta.shape = [0, 10, 13];
      }),
    "ERR_CORRUPT",
    /shape/,
  ],
  [
    "chunks of zero",
    () =>
      edit(files(bare), "/.zarray", (meta: Meta) => {
        meta.chunks = [0, 10, 13];
      }),
    "ERR_CORRUPT",
    /chunks/,
  ],
  [
    "chunks beyond memory",
    () =>
      edit(files(bare), "/.zarray", (meta: Meta) => {
        meta.chunks = [1e5, 1e5, 1e5];
      }),
    "ERR_LIMIT",
    /one chunk/,
  ],
  [
    "chunks of another rank",
    () =>
      edit(files(bare), "/.zarray", (meta: Meta) => {
        meta.chunks = [1, 1];
      }),
    "ERR_CORRUPT",
    /axes/,
  ],
  [
    "an unknown codec",
    () =>
      edit(files(bare), "/.zarray", (meta: Meta) => {
        meta.compressor = { id: "jpeg2k" };
      }),
    "ERR_UNSUPPORTED",
    /jpeg2k/,
  ],
  [
    "an unknown v3 codec",
    () =>
      edit(files("v3-gzip"), "/zarr.json", (meta: Meta) => {
        meta.codecs[1]!.name = "jpeg2k";
      }),
    "ERR_UNSUPPORTED",
    /jpeg2k/,
  ],
  [
    "dates for voxels",
    () =>
      edit(files(bare), "/.zarray", (meta: Meta) => {
        meta.dtype = "<M8[ns]";
      }),
    "ERR_UNSUPPORTED_DTYPE",
    /M8/,
  ],
  [
    "long doubles",
    () =>
      edit(files(bare), "/.zarray", (meta: Meta) => {
        meta.dtype = "<f16";
      }),
    "ERR_UNSUPPORTED_DTYPE",
    /f16/,
  ],
  [
    "a structure that is no colour",
    () =>
      edit(files(bare), "/.zarray", (meta: Meta) => {
        meta.dtype = [["a", "<i2"]];
      }),
    "ERR_UNSUPPORTED_DTYPE",
    /"a"/,
  ],
  [
    "text for voxels",
    () =>
      edit(files(bare), "/.zarray", (meta: Meta) => {
        meta.dtype = "|S3";
      }),
    "ERR_UNSUPPORTED_DTYPE",
    /no voxels/,
  ],
  [
    "a fill value of another type",
    () =>
      edit(files(bare), "/.zarray", (meta: Meta) => {
        meta.fill_value = "x";
      }),
    "ERR_CORRUPT",
    /fill value/,
  ],
  [
    "two axes",
    () =>
      edit(files(bare), "/.zarray", (meta: Meta) => {
        meta.shape = [10, 13];
        meta.chunks = [5, 6];
      }),
    "ERR_UNSUPPORTED",
    /2 axes/,
  ],
  [
    "shards that do not fit their chunks",
    () =>
      edit(files("v3-sharded"), "/zarr.json", (meta: Meta) => {
        meta.codecs[0]!.configuration.chunk_shape = [3, 5, 6];
      }),
    "ERR_CORRUPT",
    /multiples/,
  ],
  [
    "filters that are a word",
    () =>
      edit(files("v2-delta"), "/.zarray", (meta: Meta) => {
        meta.filters = "delta";
      }),
    "ERR_CORRUPT",
    /filters is "delta"/,
  ],
  [
    "a grid that is not regular",
    () =>
      edit(files("v3-gzip"), "/zarr.json", (meta: Meta) => {
        meta.chunk_grid.name = "rectilinear";
      }),
    "ERR_UNSUPPORTED",
    /rectilinear/,
  ],
];

function without(map: Files, key: string): Files {
  map.delete(key);
  return map;
}

test.each(openings)("%s is refused at opening", async (_, make, code, words) => {
  await expect(open(make())).rejects.toMatchObject({ code, message: expect.stringMatching(words) });
});

describe("a bad chunk is named by its key", () => {
  const chunks: [string, string, string, (bytes: Uint8Array) => Uint8Array][] = [
    ["cut", "v2-gzip", "/1.0.1", (bytes) => bytes.subarray(0, bytes.length - 9)],
    ["empty", "v2-gzip", "/1.0.1", () => new Uint8Array(0)],
    ["of another length", "v2-none", "/1.0.1", (bytes) => bytes.subarray(1)],
    ["too long", "v2-none", "/1.0.1", (bytes) => Uint8Array.from([...bytes, 0])],
    ["damaged", "v2-zlib", "/1.0.1", (bytes) => bytes.map((byte, n) => (n > 5 ? byte ^ 255 : byte))],
    ["damaged", "v2-zstd", "/1.0.1", (bytes) => bytes.map((byte, n) => (n > 9 ? byte ^ 85 : byte))],
    ["no zstd", "v2-zstd", "/1.0.1", () => new Uint8Array(40)],
    ["damaged", "v2-blosc-lz4-1", "/1.0.1", (bytes) => bytes.map((byte, n) => (n > 20 ? 255 - byte : byte))],
    ["cut", "v2-blosc-lz4-1", "/1.0.1", (bytes) => bytes.subarray(0, 30)],
    ["a lie about its size", "v2-blosc-lz4-1", "/1.0.1", (bytes) => withUint32(bytes, 4, 0x7fffffff)],
    ["damaged", "v2-blosc-zstd-1", "/1.0.1", (bytes) => bytes.subarray(0, 30)],
    [
      "of the wrong checksum",
      "v3-crc32c",
      "/c/1/0/1",
      (bytes) => bytes.map((byte, n) => (n === 3 ? byte ^ 1 : byte)),
    ],
    ["a shard without its index", "v3-sharded", "/c/0/0/0", (bytes) => bytes.subarray(0, 40)],
    [
      "a shard with a damaged index",
      "v3-sharded",
      "/c/0/0/0",
      (bytes) => bytes.map((byte, n) => (n === bytes.length - 20 ? byte ^ 1 : byte)),
    ],
    ["behind a codec of zarrita", "v2-lz4", "/1.0.1", (bytes) => bytes.subarray(0, 20)],
    ["a lie about its size", "v2-lz4", "/1.0.1", (bytes) => withUint32(bytes, 0, 0x20000000)],
  ];

  test.each(chunks)("%s in %s", async (_, name, key, damage) => {
    const map = files(name);
    map.set(key, damage(map.get(key)!));
    const image = await open(map);
    await expect(image.toTensor()).rejects.toMatchObject({
      name: "LazyImageError",
      code: expect.stringMatching(/ERR_(CORRUPT|CHECKSUM|TRUNCATED)/),
      message: expect.stringContaining(key.slice(1)),
    });
  });

  test("what a shard's index says is checked against the shard", async () => {
    const tensor = new Tensor({
      data: Int16Array.from({ length: 512 }, (_, n) => n + 1),
      dtype: "int16",
      shape: [1, 8, 8, 8],
    });
    const map: Files = new Map();
    await writeNiftiZarr(tensorBackend(tensor), map, { chunk: 4, shard: 8, codec: "none" });
    edit(map, "/0/zarr.json", (meta: Meta) => void meta.codecs[0]!.configuration.index_codecs.pop());
    const shard = map.get("/0/c/0/0/0")!;
    const cut = shard.subarray(0, shard.length - 4);
    map.set("/0/c/0/0/0", cut);
    new DataView(cut.buffer, cut.byteOffset).setBigUint64(cut.length - 128, 2n ** 40n, true);
    await expect((await open(map)).toTensor()).rejects.toMatchObject({ code: "ERR_TRUNCATED" });
    new DataView(cut.buffer, cut.byteOffset).setBigUint64(cut.length - 128, 2n ** 63n, true);
    await expect((await open(map)).toTensor()).rejects.toMatchObject({ code: "ERR_CORRUPT" });
  });
});

function withUint32(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  new DataView(copy.buffer).setUint32(at, value, true);
  return copy;
}

test("zarrita gets the metadata that were checked, not others of the same array", async () => {
  const map = files("v2-delta");
  const whole = await (await open(map)).toTensor();
  const metadata = { ".zarray": JSON.parse(new TextDecoder().decode(map.get("/.zarray")!)) };
  map.set("/.zmetadata", encode({ metadata }));
  // Two codecs without a name: zarrita lets the second one's rejection go unhandled.
  edit(map, "/.zarray", (meta: Meta) => ({ ...meta, filters: [{}, {}], compressor: {} }));
  expect(await (await open(map)).toTensor()).toEqual(whole);
});

test("random damage gives an error or voxels, and nothing else", async () => {
  let seed = 1;
  const random = (most: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return seed % most;
  };
  for (const name of [
    "v2-blosc-lz4-1",
    "v2-blosc-lz4-2",
    "v3-sharded",
    "v2-zstd",
    "v2-gzip",
    "v2-blosc-zlib-0",
  ]) {
    for (let round = 0; round < 60; round++) {
      const map = files(name);
      const keys = [...map.keys()].filter((key) => !/json|\.z/.test(key));
      const key = keys[random(keys.length)]!;
      const bytes = map.get(key)!.slice();
      for (let n = 0; n < 1 + random(8); n++) bytes[random(bytes.length)] = random(256);
      map.set(key, bytes);
      const image = await open(map);
      await image.toTensor().catch((error: Error) => expect(error.name).toBe("LazyImageError"));
    }
  }
});

describe("archives", () => {
  const openZip = (bytes: Uint8Array) =>
    Promise.resolve().then(() => niftiZarr.open(createRequest(bytes, { name: "a.zarr.zip" }), {}));

  test.each(["../x", "/../x", "a/../../x", "a\\b", "C:/x"])("an entry named %s is refused", async (name) => {
    const bytes = zipSync({ [name]: new Uint8Array(3), "zarr.json": encode({}) });
    await expect(openZip(bytes)).rejects.toMatchObject({
      code: "ERR_CORRUPT",
      message: expect.stringContaining("leaves the archive"),
    });
  });
  test("what is no archive is refused", async () => {
    await expect(openZip(new Uint8Array(500))).rejects.toMatchObject({ code: "ERR_CORRUPT" });
    await expect(openZip(new Uint8Array(0))).rejects.toMatchObject({ code: "ERR_CORRUPT" });
  });
  test("an archive that was cut is refused", async () => {
    const bytes = archive(good);
    await expect(openZip(bytes.subarray(0, bytes.length - 30))).rejects.toMatchObject({
      code: "ERR_CORRUPT",
    });
    await expect(openZip(bytes.subarray(100))).rejects.toMatchObject({ name: "LazyImageError" });
  });
  test("damaged bytes of the directory give an error or an image, and nothing else", async () => {
    const whole = archive("v2-none");
    for (let n = 0; n < 300; n++) {
      const bytes = whole.slice();
      bytes[bytes.length - 1 - ((n * 37) % 2000)]! ^= 1 << (n % 8);
      await openZip(bytes)
        .then((image) => image!.toTensor())
        .catch((error: Error) => expect(error.name).toBe("LazyImageError"));
    }
  });
});

describe("what a server never ends is an error, long before memory is full", () => {
  const piece = Buffer.alloc(1 << 20, " ");

  /** Opens and reads what a server has that sends on and on for some keys; how much that was. */
  async function readFrom(isEndless: (key: string) => boolean): Promise<number> {
    const objects = files(good);
    let sent = 0;
    const server = createServer(({ url }, response) => {
      const key = url!.replace("/image.zarr", "");
      if (!isEndless(key)) {
        const bytes = objects.get(key);
        response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
        return;
      }
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(piece)) sent += piece.length;
        sent += piece.length;
      };
      response.on("drain", more);
      more();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const read = async () => {
        const image = await remoteZarr.open(createRequest(`http://127.0.0.1:${port}/image.zarr`), {});
        await image!.toTensor();
      };
      await expect(read()).rejects.toMatchObject({ code: "ERR_LIMIT" });
      return sent;
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  test("of metadata", async () => {
    expect(await readFrom(() => true)).toBeLessThan(1 << 29);
  });

  test("of the header", async () => {
    expect(await readFrom((key) => key.startsWith("/nifti/c"))).toBeLessThan(1 << 27);
  });

  test("of a chunk", async () => {
    expect(await readFrom((key) => key.startsWith("/0/c"))).toBeLessThan(1 << 27);
  });
});

test.each([{ level: -1 }, { level: 0.5 }, { level: "1" }, { path: "../x" }, { cacheBytes: -1 }])(
  "reader options %o are refused",
  async (readerOptions) => {
    await expect(open(files(good), readerOptions)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  },
);
