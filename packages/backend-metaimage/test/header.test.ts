import { deflateSync } from "node:zlib";
import { metaimage } from "@lazyimg/backend-metaimage";
import { createRequest, IDENTITY, listBackends } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { volume } from "@lazyimg/testkit";
import { describe, expect, test } from "vitest";
import { expectNoHarm } from "../../../tests/support/formats.js";
import { GOLDEN } from "../../../tests/support/golden.js";
import { headerText, tagsOf, voxelsOf } from "./meta-file.js";

const image = volume({ dtype: "int16", shape: [2, 4, 5, 6] });
const voxels = voxelsOf(image.tensor);
const compressed = deflateSync(voxels);
const zlib = { CompressedData: "True", CompressedDataSize: compressed.length };

/** A file with other tags; `undefined` takes one out. */
function file(changes: Readonly<Record<string, unknown>> = {}, body: Uint8Array = voxels): Uint8Array {
  const { ElementDataFile, ...tags } = { ...tagsOf(image), ...changes } as Record<string, unknown>;
  return Buffer.concat([Buffer.from(headerText(tags, ElementDataFile as string | undefined)), body]);
}

const open = (source: string | Uint8Array, name?: string) =>
  openImage(createRequest(source, { name }), { backends: [metaimage] });

test("importing the package registers it", () => expect(listBackends()).toContain("metaimage"));

test("the header has every tag", async () => {
  const { header, affineSource } = await open(`${GOLDEN}metaimage/ignored.mha`);
  expect(header).toMatchObject({ tags: { AnatomicalOrientation: "RAI", Offset: "1 -2 3" }, headerSize: 0 });
  expect(affineSource).toBe("transform");
  expect((await open(`${GOLDEN}metaimage/plain.mha`)).affineSource).toBe("base");
  expect(await metaimage.matches(createRequest("SCAN.MHA"))).toBe(true);
  expect(await metaimage.matches(createRequest("scan.raw"))).toBe(false);
});

describe("bad files", () => {
  const cases: [problem: string, bytes: Uint8Array, code: string][] = [
    ["nothing", new Uint8Array(0), "ERR_HEADER"],
    ["another format", new Uint8Array(3_000_000).fill(65), "ERR_HEADER"],
    ["a line that is no tag", Buffer.from(`what is this\n${headerText(tagsOf(image))}`), "ERR_HEADER"],
    ["a header without end", Buffer.from("A = b\n".repeat(1_000_000)), "ERR_HEADER"],
    ...["NDims", "DimSize", "ElementType"].map((name): [string, Uint8Array, string] => [
      `no ${name}`,
      file({ [name]: undefined }),
      "ERR_HEADER",
    ]),
    ["another object", file({ ObjectType: "Tube" }), "ERR_UNSUPPORTED"],
    ["voxels in text", file({ BinaryData: "False" }), "ERR_UNSUPPORTED"],
    ["endless dimensions", file({ NDims: 99_999_999_999 }), "ERR_UNSUPPORTED"],
    ["five dimensions", file({ NDims: 5, DimSize: "4 5 6 1 1" }), "ERR_UNSUPPORTED"],
    ["no dimensions", file({ NDims: 0 }), "ERR_HEADER"],
    ["dimensions that are no number", file({ NDims: "three" }), "ERR_HEADER"],
    ["fewer sizes than dimensions", file({ DimSize: "4 5" }), "ERR_HEADER"],
    ["sizes that are no numbers", file({ DimSize: "4 x 6" }), "ERR_HEADER"],
    ["fractions", file({ DimSize: "4 5.5 6" }), "ERR_HEADER"],
    ["an axis of 0", file({ DimSize: "4 0 6" }), "ERR_HEADER"],
    ["a negative axis", file({ DimSize: "4 -5 6" }), "ERR_HEADER"],
    ["an endless axis", file({ DimSize: "4 5 999999999" }), "ERR_TRUNCATED"],
    ["endless axes", file({ DimSize: "99999999 99999999 99999999" }), "ERR_HEADER"],
    ["an axis beyond all numbers", file({ DimSize: `4 5 ${"9".repeat(400)}` }), "ERR_HEADER"],
    ["endless channels", file({ ElementNumberOfChannels: 999_999_999 }), "ERR_TRUNCATED"],
    ["no channels", file({ ElementNumberOfChannels: 0 }), "ERR_HEADER"],
    [
      "frames of channels",
      file({ NDims: 4, DimSize: "4 5 3 2", TransformMatrix: undefined, Offset: undefined }),
      "ERR_UNSUPPORTED",
    ],
    ["voxels that are cut short", file({}, voxels.subarray(1)), "ERR_TRUNCATED"],
    ["text as voxels", file({ ElementType: "MET_STRING" }), "ERR_UNSUPPORTED_DTYPE"],
    [
      "a type named after a member of objects",
      file({ ElementType: "MET_constructor" }),
      "ERR_UNSUPPORTED_DTYPE",
    ],
    ["a matrix that is too small", file({ TransformMatrix: "1 0 0 1" }), "ERR_HEADER"],
    ["a matrix that is no numbers", file({ TransformMatrix: "1 0 0 0 x 0 0 0 1" }), "ERR_HEADER"],
    ["an offset that is not finite", file({ Offset: "1 nan 3" }), "ERR_HEADER"],
    ["an offset of nothing", file({ Offset: "" }), "ERR_HEADER"],
    [
      "voxels beyond all numbers",
      file({ ElementSpacing: "1e200 1 1", TransformMatrix: "1e200 0 0 0 1 0 0 0 1" }),
      "ERR_HEADER",
    ],
    ["a spacing of 0", file({ ElementSpacing: "1 0 1" }), "ERR_HEADER"],
    [
      "an axis through space and time",
      file({
        NDims: 4,
        DimSize: "4 5 6 2",
        ElementNumberOfChannels: 1,
        TransformMatrix: "1 0 0 1 0 1 0 0 0 0 1 0 0 0 0 1",
        Offset: undefined,
      }),
      "ERR_UNSUPPORTED",
    ],
    ["a header size that is no number", file({ HeaderSize: "all" }), "ERR_HEADER"],
    ["a header size below -1", file({ HeaderSize: -2 }), "ERR_HEADER"],
    ["a header size beyond the end", file({ HeaderSize: 1_000_000 }), "ERR_TRUNCATED"],
    [
      "more compressed bytes than there are",
      file({ ...zlib, CompressedDataSize: 9999 }, compressed),
      "ERR_TRUNCATED",
    ],
    ["a compressed size below 0", file({ ...zlib, CompressedDataSize: -1 }, compressed), "ERR_HEADER"],
    [
      "compressed voxels that cannot be so many",
      file({ ...zlib, DimSize: "4 5 99999999" }, compressed),
      "ERR_TRUNCATED",
    ],
    ["several data files", file({ ElementDataFile: "LIST" }), "ERR_UNSUPPORTED"],
    ["a pattern of data files", file({ ElementDataFile: "slice%03d.raw 1 6 1" }), "ERR_UNSUPPORTED"],
    ["a data file of no name", file({ ElementDataFile: "" }), "ERR_HEADER"],
    ["a data file, and nothing beside it", file({ ElementDataFile: "image.raw" }), "ERR_PAIR"],
    ...["../image.raw", "a/../../image.raw", "/etc/passwd", "C:\\image.raw", "http://host/image.raw"].map(
      (path): [string, Uint8Array, string] => [
        `the data file ${path}`,
        file({ ElementDataFile: path }),
        "ERR_HEADER",
      ],
    ),
  ];
  test.each(cases)("%s", async (_, bytes, code) => {
    await expect(open(bytes, "image.mha")).rejects.toMatchObject({ name: "LazyImageError", code });
  });

  test("compressed voxels that are none, or cut short, or wrong, fail when they are read", async () => {
    const read = async (body: Uint8Array): Promise<unknown> =>
      (await open(file({ CompressedData: "True" }, body), "image.mha")).read();
    const wrong = Uint8Array.from(compressed);
    wrong[wrong.length - 1]! ^= 1;
    await expect(read(voxels)).rejects.toMatchObject({ code: "ERR_CORRUPT" });
    await expect(read(compressed.subarray(0, -3))).rejects.toMatchObject({ code: "ERR_TRUNCATED" });
    await expect(read(deflateSync(voxels.subarray(2)))).rejects.toMatchObject({ code: "ERR_TRUNCATED" });
    await expect(read(wrong)).rejects.toMatchObject({ code: "ERR_CHECKSUM" });
  });

  test.each(["%", " ", "=", ":", "1 ", "A", "%d ", "./"])(
    "%j again and again does not take long",
    async (part) => {
      const long = part.repeat(400_000 / part.length);
      for (const name of [
        "ElementType",
        "DimSize",
        "TransformMatrix",
        "Offset",
        "ElementDataFile",
        "ObjectType",
        "X",
      ]) {
        for (const text of [`${long}x`, `x${long}x`]) {
          const opening = open(file({ [name]: text }), "image.mha");
          const outcome: unknown = await opening.catch((reason: unknown) => reason);
          if (!(outcome instanceof Error)) continue;
          expect(outcome).toMatchObject({ code: expect.stringMatching(/^ERR_(?!IO)/) });
          expect(outcome.message.length).toBeLessThan(1000);
        }
      }
    },
  );

  test("that are damaged anywhere do no harm", () =>
    expectNoHarm(file(), async (bytes) => (await open(bytes, "image.mha")).read()));

  test("an affine of the caller's stands in for a broken one", async () => {
    const options = { name: "image.mha", affine: IDENTITY, backends: [metaimage] };
    const opened = await openImage(file({ Offset: "1 nan 3" }), options);
    expect([opened.affine, opened.affineSource]).toEqual([IDENTITY, "override"]);
  });
});
