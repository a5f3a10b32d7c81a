import { readdirSync, readFileSync } from "node:fs";
import { npy } from "@lazyimg/backend-npy/backend";
import { createRequest, type DType, IDENTITY } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { describe, expect, test } from "vitest";
import { GOLDEN, golden, hashOf } from "../../../tests/support/golden.js";
import { type ArrayFacts, tensorOf } from "../../../tests/support/vectors.js";

const facts = golden<Record<string, ArrayFacts>>("npy/expected.json");
const open = (name: string) => openImage(`${GOLDEN}npy/${name}.npy`, { backends: [npy] });

describe("files by numpy", () => {
  test("are many", () => expect(Object.keys(facts).length).toBeGreaterThan(40));

  test.each(Object.entries(facts))("%s", async (name, expected) => {
    const image = await open(name);
    expect(image.shape).toEqual(expected.shape);
    expect(image.dtype).toBe(expected.dtype);
    expect(image.affine).toEqual(IDENTITY);
    expect(image.affineSource).toBe("base");
    const tensor = await image.read();
    expect(tensor.dtype).toBe(expected.dtype);
    expect(tensor.shape).toEqual(expected.shape);
    expect(hashOf(tensor)).toBe(hashOf(tensorOf(expected)));
    await image.close();
  });

  test("keep their header", async () => {
    const image = await open("shape-F-3x4x5x6");
    expect(image.header).toEqual({ version: 1, descr: "<i2", fortranOrder: true, shape: [3, 4, 5, 6] });
  });

  test("are known by their first bytes where no name tells", async () => {
    const bytes = readFileSync(`${GOLDEN}npy/u1.npy`);
    for (const source of [new Uint8Array(bytes), new Blob([bytes])]) {
      const image = await openImage(source, { backends: [npy] });
      expect(image.shape).toEqual(facts.u1!.shape);
    }
    expect(await npy.matches(createRequest(new Uint8Array(100)))).toBe(false);
    expect(await npy.matches(createRequest(new Uint8Array(bytes), { name: "voxels.raw" }))).toBe(false);
  });

  test("take an affine from the caller", async () => {
    const affine = [2, 0, 0, -1, 0, 3, 0, -2, 0, 0, 4, -3, 0, 0, 0, 1];
    const image = await openImage(`${GOLDEN}npy/u1.npy`, { backends: [npy], affine });
    expect(image.affine).toEqual(affine);
    expect(image.affineSource).toBe("override");
  });
});

describe("arrays that are no images", () => {
  const codes: Record<string, string> = {
    object: "ERR_UNSUPPORTED_DTYPE",
    structured: "ERR_UNSUPPORTED_DTYPE",
    string: "ERR_UNSUPPORTED_DTYPE",
    date: "ERR_UNSUPPORTED_DTYPE",
    scalar: "ERR_UNSUPPORTED",
    "five-axes": "ERR_UNSUPPORTED",
    empty: "ERR_UNSUPPORTED",
  };
  const names = readdirSync(`${GOLDEN}npy`).filter((name) => name.startsWith("refused-"));
  test("are all of them", () => expect(names.length).toBe(Object.keys(codes).length));
  test.each(Object.entries(codes))("%s: %s", async (name, code) => {
    await expect(open(`refused-${name}`)).rejects.toMatchObject({ name: "LazyImageError", code });
  });
});

/** A file with this text for a header. */
function file(text: string, { version = 1, voxels = 24 }: { version?: number; voxels?: number } = {}) {
  const long = version > 1;
  const head = Buffer.from(`\x93NUMPY${String.fromCharCode(version)}\0`, "latin1");
  const length = Buffer.alloc(long ? 4 : 2);
  if (long) length.writeUInt32LE(text.length);
  else length.writeUInt16LE(text.length);
  return Buffer.concat([head, length, Buffer.from(text, "latin1"), Buffer.alloc(voxels)]);
}

const dict = (descr: string, fortran: string, shape: string) =>
  `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;
const sound = dict("'|u1'", "False", "(2, 3, 4)");

describe("headers that numpy reads, in other words", () => {
  const same: Record<string, string> = {
    "as numpy writes them": sound,
    "without a comma at the end": "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 4)}",
    "with double quotes": '{"descr": "|u1", "fortran_order": False, "shape": (2, 3, 4), }',
    "in another order": "{'shape': (2, 3, 4,), 'fortran_order': False, 'descr': 'u1'}",
    "by Python 2": dict("'|u1'", "False", "(2L, 3L, 4L)"),
    "with spaces": "\n { 'descr' : '|u1' , 'fortran_order' : False , 'shape' : ( 2 , 3 , 4 ) , } \n",
  };
  test.each(Object.entries(same))("%s", async (_, text) => {
    const image = await openImage(file(text), { backends: [npy], name: "a.npy" });
    expect(image.shape).toEqual([1, 2, 3, 4]);
  });

  test("longer than what is read at first", async () => {
    const long = file(`${sound.trim()}${" ".repeat(9000)}\n`, { version: 2 });
    const image = await openImage(long, { backends: [npy], name: "a.npy" });
    expect((await image.read()).shape).toEqual([1, 2, 3, 4]);
  });
});

describe("headers that are wrong", () => {
  const bad: [string, string, Uint8Array][] = [
    ["nothing at all", "ERR_HEADER", new Uint8Array()],
    ["another file", "ERR_HEADER", Buffer.from("<html></html>")],
    ["the magic alone", "ERR_UNSUPPORTED", file(sound).subarray(0, 6)],
    ["a version and no length", "ERR_HEADER", file(sound).subarray(0, 9)],
    ["half of a header", "ERR_TRUNCATED", file(sound).subarray(0, 40)],
    ["half of the voxels", "ERR_TRUNCATED", file(sound, { voxels: 12 })],
    ["a version to come", "ERR_UNSUPPORTED", file(sound, { version: 4 })],
    ["version 0", "ERR_UNSUPPORTED", file(sound, { version: 0 })],
    [
      "a header of gigabytes",
      "ERR_HEADER",
      Buffer.concat([file(sound, { version: 2 }).subarray(0, 8), Buffer.alloc(4, 0xff)]),
    ],
    ["an endless axis", "ERR_HEADER", file(dict("'|u1'", "False", `(${"9".repeat(400)}, 1, 1)`))],
    [
      "axes whose product is endless",
      "ERR_HEADER",
      file(dict("'<f8'", "False", "(4294967296, 4294967296, 4294967296)")),
    ],
    ["more voxels than the file", "ERR_TRUNCATED", file(dict("'<f8'", "False", "(100000, 100000, 100000)"))],
    ["a hundred axes", "ERR_UNSUPPORTED", file(dict("'|u1'", "False", `(${"1,".repeat(100)})`))],
    ["a negative axis", "ERR_HEADER", file(dict("'|u1'", "False", "(-2, 3, 4)"))],
    ["axes that are sums", "ERR_HEADER", file(dict("'|u1'", "False", "(1+1, 3, 4)"))],
    ["a shape that runs code", "ERR_HEADER", file(dict("'|u1'", "False", "(__import__('os').getpid(),)"))],
    ["an order that is text", "ERR_HEADER", file(dict("'|u1'", "'True'", "(2, 3, 4)"))],
    ["an unknown type", "ERR_UNSUPPORTED_DTYPE", file(dict("'<f16'", "False", "(2, 3, 4)"))],
    [
      "a type by an inherited name",
      "ERR_UNSUPPORTED_DTYPE",
      file(dict("'constructor'", "False", "(2, 3, 4)")),
    ],
    ["a type that is a number", "ERR_HEADER", file(dict("7", "False", "(2, 3, 4)"))],
    ["a subarray", "ERR_UNSUPPORTED_DTYPE", file(dict("('<f4', (3,))", "False", "(2, 3, 4)"))],
    ["no shape", "ERR_HEADER", file("{'descr': '|u1', 'fortran_order': False}")],
    ["a key too many", "ERR_HEADER", file(`{'evil': 1, ${sound.slice(1)}`)],
    ["no dict", "ERR_HEADER", file("['descr', '|u1']")],
    ["something before the dict", "ERR_HEADER", file(`x = ${sound}`)],
    ["something behind the dict", "ERR_HEADER", file(`${sound}; x`)],
    ["a dict without an end", "ERR_HEADER", file(sound.replace("}", ""))],
    ["brackets without an end", "ERR_HEADER", file(dict("'|u1'", "False", `${"(".repeat(5000)}`))],
  ];
  test.each(bad)("%s: %s", async (_, code, bytes) => {
    const opened = openImage(new Uint8Array(bytes), { backends: [npy], name: "a.npy" });
    await expect(opened).rejects.toMatchObject({ name: "LazyImageError", code });
  });
});

test("dtypes are core's own", () => {
  const dtypes = new Set<DType>(Object.values(facts).map(({ dtype }) => dtype));
  expect(dtypes.size).toBe(12);
});
