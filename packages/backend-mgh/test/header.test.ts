import { gzipSync } from "node:zlib";
import type { MghImageHeader } from "@lazyimg/backend-mgh";
import { mgh } from "@lazyimg/backend-mgh";
import { createRequest, IDENTITY, listBackends } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { volume } from "@lazyimg/testkit";
import { describe, expect, test } from "vitest";
import { expectNoHarm, formatCases } from "../../../tests/support/formats.js";
import type { FormatFacts } from "../../../tests/support/vectors.js";
import { mghFile } from "./mgh-file.js";

interface MghFacts extends FormatFacts {
  readonly dof: number;
  readonly footer: Readonly<Record<"tr" | "flip_angle" | "te" | "ti" | "fov", number>> | null;
}

const open = (path: string | Uint8Array, name?: string) =>
  openImage(createRequest(path, { name }), { backends: [mgh] });

test("importing the package registers it", () => expect(listBackends()).toContain("mgh"));

test.each(formatCases<MghFacts>("mgh"))("fields of $name", async ({ path, facts, name }) => {
  const image = await open(path);
  const header = image.header as MghImageHeader;
  expect(header).toMatchObject({ version: 1, dof: facts.dof, goodRASFlag: name !== "unplaced.mgh" });
  expect(image.affineSource).toBe(name === "unplaced.mgh" ? "base" : "ras");
  const { tr, flip_angle: flipAngle, te, ti, fov } = facts.footer ?? {};
  const footer = facts.footer === null ? null : { tr, flipAngle, te, ti, fov };
  expect(await header.readFooter()).toEqual(footer);
  await image.close();
});

describe("bad files", () => {
  const good = mghFile(volume({ dtype: "int16", shape: [1, 4, 5, 6] }), 4);
  const changed = (change: (view: DataView) => void): Uint8Array => {
    const bytes = good.slice();
    change(new DataView(bytes.buffer));
    return bytes;
  };
  const int = (at: number, value: number) => changed((view) => view.setInt32(at, value));
  const float = (at: number, value: number) => changed((view) => view.setFloat32(at, value));
  const cases: [problem: string, bytes: Uint8Array, code: string][] = [
    ["nothing", new Uint8Array(0), "ERR_HEADER"],
    ["another version", int(0, 2), "ERR_HEADER"],
    ["the other byte order", int(0, 1 << 24), "ERR_HEADER"],
    ["a header that is cut short", good.subarray(0, 283), "ERR_TRUNCATED"],
    ["voxels that are cut short", good.subarray(0, 284 + 239), "ERR_TRUNCATED"],
    ["an axis of 0", int(8, 0), "ERR_HEADER"],
    ["a negative axis", int(16, -1), "ERR_HEADER"],
    ["an endless axis", int(4, 0x7fffffff), "ERR_TRUNCATED"],
    [
      "endless axes",
      changed((view) => {
        for (const at of [4, 8, 12, 16]) view.setInt32(at, 0x7fffffff);
      }),
      "ERR_HEADER",
    ],
    ["long integers", int(20, 2), "ERR_UNSUPPORTED_DTYPE"],
    ["a type that is none", int(20, -7), "ERR_UNSUPPORTED_DTYPE"],
    ["a spacing that is not finite", float(30, Number.NaN), "ERR_HEADER"],
    ["a direction that is not finite", float(50, Number.POSITIVE_INFINITY), "ERR_HEADER"],
    ["a centre that is not finite", float(78, Number.NEGATIVE_INFINITY), "ERR_HEADER"],
  ];
  test.each(cases)("%s", async (_, bytes, code) => {
    await expect(open(bytes, "image.mgh")).rejects.toMatchObject({ name: "LazyImageError", code });
    // In gzip, only a read knows how much there is.
    const read = open(gzipSync(bytes), "image.mgz").then((image) => image.read());
    await expect(read).rejects.toMatchObject({ name: "LazyImageError", code });
  });

  test("that are damaged anywhere do no harm", () =>
    expectNoHarm(good, async (bytes) => (await open(bytes, "image.mgh")).read()));

  test("an affine of the caller's stands in for a broken one", async () => {
    const options = { name: "image.mgh", affine: IDENTITY, backends: [mgh] };
    const image = await openImage(float(30, Number.NaN), options);
    expect(image.affine).toEqual(IDENTITY);
    expect(image.affineSource).toBe("override");
  });

  test("gzip that is cut short fails the read that gets there", async () => {
    const whole = gzipSync(mghFile(volume({ dtype: "float32", shape: [1, 30, 31, 32] }), 3));
    const image = await open(whole.subarray(0, whole.length - 1000), "image.mgz");
    await expect(image.read("...")).rejects.toMatchObject({ code: "ERR_TRUNCATED" });
    await image.close();
  });
});
