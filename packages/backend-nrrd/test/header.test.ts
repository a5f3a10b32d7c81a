import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { NrrdHeader } from "@lazyimg/backend-nrrd";
import { nrrd } from "@lazyimg/backend-nrrd";
import { createRequest, IDENTITY, listBackends, resolveBackend } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { volume } from "@lazyimg/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectNoHarm } from "../../../tests/support/formats.js";
import { GOLDEN } from "../../../tests/support/golden.js";
import { fieldsOf, headerText, voxelsOf } from "./nrrd-file.js";

const image = volume({ dtype: "int16", shape: [2, 4, 5, 6] });
const voxels = voxelsOf(image.tensor);
const fields = fieldsOf(image);

/** A file with other fields; `undefined` takes one out. */
function file(changes: Readonly<Record<string, unknown>> = {}, body: Uint8Array = voxels): Uint8Array {
  const all = Object.entries({ ...fields, ...changes }).filter(([, value]) => value !== undefined);
  return Buffer.concat([Buffer.from(headerText(Object.fromEntries(all))), body]);
}

const open = (source: string | Uint8Array, name = "image.nrrd") =>
  openImage(createRequest(source, { name }), { backends: [nrrd] });

test("importing the package registers it", () => expect(listBackends()).toContain("nrrd"));

test("the header has every field, and keys and values", async () => {
  const { header, affineSource } = await open(`${GOLDEN}nrrd/line-ends.nrrd`, undefined);
  expect(header).toMatchObject({
    version: 4,
    fields: { type: "short", sizes: "3 4 5", encoding: "raw" },
    keyValues: { key: "a\nb:=c" },
    sizes: [3, 4, 5],
  });
  expect(affineSource).toBe("base");
  const old = (await open(`${GOLDEN}nrrd/at-end.nhdr`, undefined)).header as NrrdHeader;
  expect(old.fields).toMatchObject({ "data file": "at-end.raw", "byte skip": "-1" });
});

test("an axis without a direction may have one of NaN", async () => {
  const directions = (fields["space directions"] as string).replace("none", "(nan, nan,NaN)");
  const opened = await open(file({ "space directions": directions, kinds: undefined }));
  expect([opened.shape, opened.affine]).toEqual([[2, 4, 5, 6], image.affine]);
});

test("bytes without a name are known by their first ones", async () => {
  const request = createRequest(file());
  expect(await nrrd.matches(request)).toBe(true);
  expect((await resolveBackend(request, { backends: [nrrd] }))?.shape).toEqual([2, 4, 5, 6]);
  expect(await nrrd.matches(createRequest(new Uint8Array(20)))).toBe(false);
  expect(await nrrd.matches(createRequest(file(), { name: "scan.nii" }))).toBe(false);
  expect(await nrrd.matches(createRequest("SCAN.NHDR"))).toBe(true);
  expect(await nrrd.matches(createRequest("scan.nrrd", { reader: async () => Promise.reject() }))).toBe(
    false,
  );
});

describe("bad files", () => {
  const cases: [problem: string, bytes: Uint8Array, code: string][] = [
    ["nothing", new Uint8Array(0), "ERR_HEADER"],
    ["another format", Buffer.from("P5 4 5 255 "), "ERR_HEADER"],
    ["another format that is long", new Uint8Array(3_000_000), "ERR_HEADER"],
    ["a version to come", Buffer.from(file().toString().replace("0005", "0009")), "ERR_UNSUPPORTED"],
    ["a header without end", Buffer.from(`NRRD0005\n${"# \n".repeat(1_000_000)}`), "ERR_HEADER"],
    ["a line that is no field", Buffer.from("NRRD0005\nwhat is this\n\n"), "ERR_HEADER"],
    [
      "a field that comes twice",
      Buffer.from(headerText(fields).replace("\n\n", "\nSizes: 1\n\n")),
      "ERR_HEADER",
    ],
    ["a field named after a member of objects", file({ constructor: "x", sizes: undefined }), "ERR_HEADER"],
    ...["type", "dimension", "sizes", "encoding", "endian"].map((name): [string, Uint8Array, string] => [
      `no ${name}`,
      file({ [name]: undefined }),
      "ERR_HEADER",
    ]),
    ["no numbers", file({ sizes: "4 x 6 2" }), "ERR_HEADER"],
    ["fractions", file({ sizes: "4 5.5 6 2" }), "ERR_HEADER"],
    ["an axis of 0", file({ sizes: "4 0 6 2" }), "ERR_HEADER"],
    ["a negative axis", file({ sizes: "4 -5 6 2" }), "ERR_HEADER"],
    ["more dimensions than sizes", file({ dimension: 5 }), "ERR_HEADER"],
    ["endless dimensions", file({ dimension: 99_999_999_999 }), "ERR_HEADER"],
    ["a dimension that is no number", file({ dimension: "NaN" }), "ERR_HEADER"],
    ["an endless axis", file({ sizes: "4 5 6 999999999" }), "ERR_TRUNCATED"],
    ["endless axes", file({ sizes: "99999999 99999999 99999999 99999999" }), "ERR_HEADER"],
    ["an axis beyond all numbers", file({ sizes: `4 5 6 ${"9".repeat(400)}` }), "ERR_HEADER"],
    ["17 axes", file({ dimension: 17, sizes: Array(17).fill(1).join(" "), kinds: undefined }), "ERR_HEADER"],
    ["voxels that are cut short", file({}, voxels.subarray(1)), "ERR_TRUNCATED"],
    ["blocks", file({ type: "block" }), "ERR_UNSUPPORTED_DTYPE"],
    ["a type that is none", file({ type: "constructor" }), "ERR_UNSUPPORTED_DTYPE"],
    ...["ascii", "text", "txt", "hex", "bzip2", "bz2", "zstd", "constructor"].map(
      (encoding): [string, Uint8Array, string] => [
        `the encoding ${encoding}`,
        file({ encoding }),
        "ERR_UNSUPPORTED",
      ],
    ),
    ["another endian", file({ endian: "middle" }), "ERR_HEADER"],
    ["another space", file({ space: "constructor" }), "ERR_HEADER"],
    ["a space of many dimensions", file({ space: undefined, "space dimension": 5 }), "ERR_UNSUPPORTED"],
    ["directions of no space", file({ space: undefined }), "ERR_HEADER"],
    ["directions that are no vectors", file({ "space directions": "1 2 3 none" }), "ERR_HEADER"],
    [
      "a direction that is not finite",
      file({ "space directions": "(nan,0,0) (0,1,0) (0,0,1) none" }),
      "ERR_HEADER",
    ],
    ["a direction with a gap", file({ "space directions": "(1,,0) (0,1,0) (0,0,1) none" }), "ERR_HEADER"],
    ["too few directions", file({ "space directions": "(1,0,0) (0,1,0) (0,0,1)" }), "ERR_HEADER"],
    ["a direction of another space", file({ "space directions": "(1,0) (0,1) (0,0) none" }), "ERR_HEADER"],
    ["an origin that is no vector", file({ "space origin": "1 2 3" }), "ERR_HEADER"],
    [
      "an axis through space and time",
      file({
        space: "RAST",
        "space directions": "(1,0,0,1) (0,1,0,0) (0,0,1,0) none",
        "space origin": undefined,
      }),
      "ERR_UNSUPPORTED",
    ],
    ["fewer kinds than axes", file({ kinds: "space" }), "ERR_HEADER"],
    ["two other axes", file({ "space directions": "(1,0,0) (0,1,0) none none" }), "ERR_UNSUPPORTED"],
    ["no axis of space", file({ "space directions": "none none none none" }), "ERR_UNSUPPORTED"],
    [
      "a line in a space of three dimensions",
      file({ sizes: "120 1 1 2", "space directions": "(1,0,0) none none none" }),
      "ERR_UNSUPPORTED",
    ],
    [
      "a plane whose normal is beyond all numbers",
      file({ sizes: "20 1 6 2", "space directions": "(1e200,0,0) none (0,0,1e200) none" }),
      "ERR_HEADER",
    ],
    [
      "spacings of 0",
      file({
        space: undefined,
        "space directions": undefined,
        "space origin": undefined,
        spacings: "1 0 1 1",
      }),
      "ERR_HEADER",
    ],
    [
      "spacings that are no numbers",
      file({
        space: undefined,
        "space directions": undefined,
        "space origin": undefined,
        spacings: "a b c d",
      }),
      "ERR_HEADER",
    ],
    ["a negative line skip", file({ "line skip": -1 }), "ERR_HEADER"],
    ["more lines to skip than there are", file({ "line skip": 1000 }), "ERR_HEADER"],
    ["a byte skip of no number", file({ "byte skip": "many" }), "ERR_HEADER"],
    ["a byte skip beyond the end", file({ "byte skip": 1_000_000 }), "ERR_TRUNCATED"],
    ["voxels at the end of gzip", file({ encoding: "gzip", "byte skip": -1 }), "ERR_UNSUPPORTED"],
    ["several data files", file({ "data file": "LIST" }), "ERR_UNSUPPORTED"],
    ["a pattern of data files", file({ "data file": "slice%03d.raw 1 6 1" }), "ERR_UNSUPPORTED"],
    ["a data file, and nothing beside it", file({ "data file": "image.raw" }), "ERR_PAIR"],
  ];
  test.each(cases)("%s", async (_, bytes, code) => {
    await expect(open(bytes)).rejects.toMatchObject({ name: "LazyImageError", code });
  });

  test("gzip that is none, or cut short, fails when it is read", async () => {
    const none = await open(file({ encoding: "gzip" }));
    await expect(none.read()).rejects.toMatchObject({ code: "ERR_CORRUPT" });
    const compressed = gzipSync(voxels);
    const short = await open(file({ encoding: "gzip" }, compressed.subarray(0, -9)));
    await expect(short.read()).rejects.toMatchObject({ code: "ERR_TRUNCATED" });
    const wrong = Uint8Array.from(compressed);
    wrong[wrong.length - 6]! ^= 1;
    await expect((await open(file({ encoding: "gzip" }, wrong))).read()).rejects.toMatchObject({
      code: "ERR_CHECKSUM",
    });
    const less = await open(file({ encoding: "gzip" }, gzipSync(voxels.subarray(2))));
    await expect(less.read()).rejects.toMatchObject({ code: "ERR_TRUNCATED" });
    // What deflate cannot hold is refused at once.
    await expect(open(file({ encoding: "gzip", sizes: "4 5 6 99999999" }, compressed))).rejects.toMatchObject(
      {
        code: "ERR_TRUNCATED",
      },
    );
  });

  test.each(["%", " ", "(", ":", ":=", "1 ", "none ", "(1,", "%d ", "./"])(
    "%j again and again does not take long",
    async (part) => {
      const long = part.repeat(400_000 / part.length);
      for (const name of [
        "type",
        "sizes",
        "space directions",
        "space origin",
        "kinds",
        "data file",
        "spacings",
        "x",
      ]) {
        for (const text of [`${long}x`, `x${long}x`]) {
          const opening = open(file({ [name]: text }));
          const outcome: unknown = await opening.catch((reason: unknown) => reason);
          if (!(outcome instanceof Error)) continue;
          expect(outcome).toMatchObject({ code: expect.stringMatching(/^ERR_(?!IO)/) });
          expect(outcome.message.length).toBeLessThan(1000);
        }
      }
    },
  );

  test("that are damaged anywhere do no harm", () =>
    expectNoHarm(file(), async (bytes) => (await open(bytes)).read()));

  test("an affine of the caller's stands in for a broken one", async () => {
    const options = { name: "image.nrrd", affine: IDENTITY, backends: [nrrd] };
    const opened = await openImage(file({ "space origin": "(1,nan,3)" }), options);
    expect([opened.affine, opened.affineSource]).toEqual([IDENTITY, "override"]);
  });
});

describe("data files", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lazyimg-nrrd-"));
    await mkdir(join(folder, "in", "below"), { recursive: true });
    await writeFile(join(folder, "out.raw"), voxels);
    await writeFile(join(folder, "in", "beside.raw"), voxels);
    await writeFile(join(folder, "in", "below", "it.raw"), voxels);
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function openWith(path: string) {
    const header = join(folder, "in", "image.nhdr");
    await writeFile(header, file({ "data file": path }, new Uint8Array()));
    return open(header, undefined);
  }

  test.each(["beside.raw", "./beside.raw", "below/it.raw", "./below/./it.raw"])(
    "%s is opened",
    async (path) => {
      const opened = await openWith(path);
      expect((await opened.load()).copy("C").data).toEqual(image.tensor.copy("C").data);
      await opened.close();
    },
  );

  test.each([
    "../out.raw",
    "below/../../out.raw",
    "below/../beside.raw",
    "/etc/passwd",
    "C:\\out.raw",
    "..\\out.raw",
    "C:out.raw",
    "file:///etc/passwd",
    "http://host/out.raw",
    "//host/out.raw",
    "below//it.raw",
    "beside.raw\0",
    "..",
    ".",
    "below/",
  ])("%s leads out, or nowhere, and is refused", async (path) => {
    await expect(openWith(path)).rejects.toMatchObject({ name: "LazyImageError", code: "ERR_HEADER" });
  });

  test("an absolute path into the same folder is refused as well", async () => {
    await expect(openWith(join(folder, "in", "beside.raw"))).rejects.toMatchObject({ code: "ERR_HEADER" });
  });

  test("what is not there is ERR_PAIR", async () => {
    await expect(openWith("missing.raw")).rejects.toMatchObject({ code: "ERR_PAIR" });
    await expect(openWith("missing/it.raw")).rejects.toMatchObject({ code: "ERR_PAIR" });
  });

  test("`sibling` is asked, with the whole path", async () => {
    const asked: string[] = [];
    const request = createRequest(file({ "data file": "./below/it.raw" }, new Uint8Array()), {
      name: "image.nhdr",
      sibling: async (name) => {
        asked.push(name);
        return null;
      },
    });
    await expect(openImage(request, { backends: [nrrd] })).rejects.toMatchObject({ code: "ERR_PAIR" });
    expect(asked).toEqual(["below/it.raw"]);
  });
});
