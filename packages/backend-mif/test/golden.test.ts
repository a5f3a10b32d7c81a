import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { type MifHeader, mif } from "@lazyimg/backend-mif";
import { bytesSource } from "@lazyimg/byte-source";
import { allocate, createRequest, sizeOf } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { describe, expect, test } from "vitest";
import { GOLDEN, golden } from "../../../tests/support/golden.js";
import { tensorOf } from "../../../tests/support/vectors.js";
import type { MifFacts } from "./golden.js";

const facts = golden<Record<string, MifFacts>>("mif/expected.json");
const open = (name: string) => openImage(`${GOLDEN}mif/${name}`, { backends: [mif] });

describe("files by mrconvert", () => {
  test("are many", () => expect(Object.keys(facts).length).toBeGreaterThan(40));

  test.each(Object.entries(facts))("%s", async (name, { affine, stored, scaled = stored }) => {
    const image = await open(name);
    expect(image.shape).toEqual(stored.shape);
    expect(image.dtype).toBe(stored.dtype);
    expect(image.valueDtype).toBe(scaled.dtype);
    // The oracle's NIfTI has an affine of float32. Where there is text of few bits, the two are equal.
    const exact =
      !readFileSync(`${GOLDEN}mif/${name}`, "latin1").includes("command_history") && !name.endsWith("gz");
    for (const [n, value] of affine.entries()) {
      const tolerance = exact ? 0 : 2 ** -23 * Math.max(1, Math.abs(value));
      expect(Math.abs(image.affine[n]! - value), `affine[${n}]`).toBeLessThanOrEqual(tolerance);
    }
    const raw = await image.read("...", { scaled: false });
    expect(raw.copy("C").data).toEqual(tensorOf(stored).data);
    expect((await image.read()).copy("C").data).toEqual(tensorOf(scaled).data);
    // Into memory of the caller's, whose axes run forward.
    const out = allocate(stored.dtype, sizeOf(stored.shape));
    await image.read("...", { scaled: false, out });
    expect(out).toEqual(tensorOf(stored).data);
    await image.close();
  });

  test("keep their header", async () => {
    const header = (await open("comments.mif")).header as MifHeader;
    expect(header).toMatchObject({ dim: [2, 3, 4], datatype: "Int16LE", file: { name: ".", offset: 400 } });
    expect(header.fields).toEqual({ comments: "one\nthree" });
    const { layout, transform } = (await open("dyadic.mif")).header as MifHeader;
    expect(layout).toEqual([
      { rank: 0, backwards: true },
      { rank: 2, backwards: false },
      { rank: 1, backwards: true },
    ]);
    expect(transform?.[0]).toEqual([-0.5, 0.25, 0, 90.5]);
  });

  test("say where their affine is from", async () => {
    expect((await open("dyadic.mif")).affineSource).toBe("transform");
    expect((await open("no-transform.mif")).affineSource).toBe("base");
  });

  test("are known by their first bytes where no name tells", async () => {
    const bytes = new Uint8Array(readFileSync(`${GOLDEN}mif/dyadic.mif`));
    expect((await openImage(bytes, { backends: [mif] })).shape).toEqual([1, 2, 3, 4]);
    expect(await mif.matches(createRequest(new Uint8Array(100)))).toBe(false);
    expect(await mif.matches(createRequest(bytes, { name: "voxels.raw" }))).toBe(false);
  });
});

const HEADER = {
  first: "mrtrix image",
  dim: "dim: 2,3,4",
  vox: "vox: 2,2,2",
  layout: "layout: +0,+1,+2",
  datatype: "datatype: Int16LE",
  transform: "",
  scaling: "",
  file: "file: . 300",
  end: "END",
};

/** A file with some lines of its header replaced. */
function file(lines: Partial<Record<keyof typeof HEADER, string>>, voxels = 48): Uint8Array {
  const text = Object.values({ ...HEADER, ...lines }).join("\n");
  const head = Buffer.from(`${text}\n`);
  return new Uint8Array(Buffer.concat([head, Buffer.alloc(Math.max(0, 300 - head.length) + voxels)]));
}

describe("headers that are wrong", () => {
  test("the one that they are made from is right", async () => {
    expect((await openImage(file({}), { backends: [mif], name: "a.mif" })).shape).toEqual([1, 2, 3, 4]);
  });

  const bad: [string, string, Uint8Array][] = [
    ["nothing at all", "ERR_HEADER", new Uint8Array()],
    ["another file", "ERR_HEADER", Buffer.from("<html></html>")],
    ["a first line alone", "ERR_HEADER", Buffer.from("mrtrix image\n")],
    ["half of the voxels", "ERR_TRUNCATED", file({}, 20)],
    ["a mask of which half is there", "ERR_TRUNCATED", file({ datatype: "datatype: Bit" }, 2)],
    ["an offset behind the end", "ERR_TRUNCATED", file({ file: "file: . 9007199254740000" })],
    ["an offset that is endless", "ERR_HEADER", file({ file: `file: . ${"9".repeat(400)}` })],
    ["an offset of nothing", "ERR_HEADER", file({ file: "file: ." })],
    ["an offset that is text", "ERR_HEADER", file({ file: "file: . x" })],
    ["no file", "ERR_HEADER", file({ file: "" })],
    ["two files", "ERR_UNSUPPORTED", file({ file: "file: a.dat\nfile: b.dat" })],
    ["a pattern of files", "ERR_UNSUPPORTED", file({ file: "file: a-[].dat" })],
    ["no dim", "ERR_HEADER", file({ dim: "" })],
    ["an endless axis", "ERR_HEADER", file({ dim: `dim: ${"9".repeat(400)},1,1` })],
    ["axes whose product is endless", "ERR_HEADER", file({ dim: `dim: ${2 ** 40},${2 ** 40},${2 ** 40}` })],
    [
      "a mask whose axes' product is endless",
      "ERR_HEADER",
      file({ dim: `dim: ${2 ** 40},${2 ** 40},${2 ** 40}`, datatype: "datatype: Bit" }),
    ],
    ["more voxels than the file", "ERR_TRUNCATED", file({ dim: "dim: 1000,1000,1000" })],
    ["a million axes", "ERR_UNSUPPORTED", file({ dim: `dim: 1${",1".repeat(999_999)}` })],
    ["two axes of volumes", "ERR_UNSUPPORTED", file({ dim: "dim: 2,3,1,2,2", layout: "layout: 0,1,2,3,4" })],
    ["an axis of nothing", "ERR_HEADER", file({ dim: "dim: 2,0,4" })],
    ["half an axis", "ERR_HEADER", file({ dim: "dim: 2,1.5,4" })],
    ["a negative axis", "ERR_HEADER", file({ dim: "dim: 2,-3,4" })],
    ["no vox", "ERR_HEADER", file({ vox: "" })],
    ["too few voxel sizes", "ERR_HEADER", file({ vox: "vox: 2,2" })],
    ["a negative voxel size", "ERR_HEADER", file({ vox: "vox: 2,-2,2" })],
    ["no layout", "ERR_HEADER", file({ layout: "" })],
    ["a layout of too few axes", "ERR_HEADER", file({ layout: "layout: +0,+1" })],
    ["a layout that has an axis twice", "ERR_HEADER", file({ layout: "layout: +0,-1,+1" })],
    ["a layout that leaves a rank out", "ERR_HEADER", file({ layout: "layout: +0,+1,+3" })],
    ["a layout that is text", "ERR_HEADER", file({ layout: "layout: a,b,c" })],
    ["no datatype", "ERR_HEADER", file({ datatype: "" })],
    ["an unknown datatype", "ERR_UNSUPPORTED_DTYPE", file({ datatype: "datatype: Float16LE" })],
    ["a datatype by an inherited name", "ERR_UNSUPPORTED_DTYPE", file({ datatype: "datatype: constructor" })],
    ["a datatype of no byte order", "ERR_UNSUPPORTED_DTYPE", file({ datatype: "datatype: Int16" })],
    ["a byte with a byte order", "ERR_UNSUPPORTED_DTYPE", file({ datatype: "datatype: UInt8LE" })],
    ["a transform of two rows", "ERR_HEADER", file({ transform: "transform: 1,0,0,0\ntransform: 0,1,0,0" })],
    ["a transform of three columns", "ERR_HEADER", file({ transform: "transform: 1,0,0\n".repeat(3) })],
    ["a scaling by 0", "ERR_HEADER", file({ scaling: "scaling: 1,0" })],
    ["a scaling that is text", "ERR_HEADER", file({ scaling: "scaling: 1,x" })],
    ["a scaling of three", "ERR_HEADER", file({ scaling: "scaling: 0,1,2" })],
    [
      "a header without an end",
      "ERR_HEADER",
      Buffer.concat([Buffer.from("mrtrix image\n"), Buffer.alloc(2 ** 24, "x")]),
    ],
  ];
  test.each(bad)("%s: %s", async (_, code, bytes) => {
    for (const [source, name] of [
      [bytes, "a.mif"],
      [gzipSync(bytes), "a.mif.gz"],
    ] as const) {
      const opened = openImage(new Uint8Array(source), { backends: [mif], name }).then((image) =>
        image.read(),
      );
      const error = await opened.catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: "LazyImageError", code });
      expect((error as Error).message.length).toBeLessThan(1000);
    }
  });
});

describe("voxels in a file of their own", () => {
  const pair = (name: string) =>
    new TextEncoder().encode(Object.values({ ...HEADER, file: `file: ${name}` }).join("\n"));
  const asked: string[] = [];
  const sibling = async (name: string) => {
    asked.push(name);
    return name === "a.dat" ? bytesSource(new Uint8Array(48)) : null;
  };
  const openPair = (name: string) => openImage(pair(name), { backends: [mif], name: "a.mih", sibling });

  test("are found beside the header", async () => {
    expect((await (await openPair("a.dat")).read()).shape).toEqual([1, 2, 3, 4]);
  });
  test("that is missing: ERR_PAIR", async () => {
    await expect(openPair("b.dat")).rejects.toMatchObject({ code: "ERR_PAIR" });
    await expect(openImage(pair("b.dat"), { backends: [mif], name: "a.mih" })).rejects.toMatchObject({
      code: "ERR_PAIR",
    });
  });
  test("that is too short: ERR_TRUNCATED", async () => {
    await expect(openPair("a.dat 40")).rejects.toMatchObject({ code: "ERR_TRUNCATED" });
  });
  test.each(["../a.dat", "/etc/passwd", "sub/../../a.dat", "..\\a.dat", "C:\\a.dat", "..", "file:a.dat"])(
    "out of the folder, %s: ERR_HEADER",
    async (name) => {
      asked.length = 0;
      await expect(openPair(name)).rejects.toMatchObject({ code: "ERR_HEADER" });
      expect(asked).toEqual([]);
    },
  );
});
