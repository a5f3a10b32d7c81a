import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { metaimage } from "@lazyimg/backend-metaimage/backend";
import { mif } from "@lazyimg/backend-mif/backend";
import { nrrd } from "@lazyimg/backend-nrrd/backend";
import { misbehavingServer } from "@lazyimg/testkit/server";
import { openImage } from "lazyimg";
import { afterAll, describe, expect, test } from "vitest";
import { Scratch } from "./support/sample.js";

/** Headers that name another file as their data: one beside them is read, one elsewhere never. */

const scratch = new Scratch();
mkdirSync(scratch.at("public"));
writeFileSync(scratch.at("secret.raw"), new Uint8Array(8).fill(42));
writeFileSync(scratch.at("public", "beside.raw"), new Uint8Array(8).fill(7));
afterAll(() => scratch.remove());

/** A header of 2 x 2 x 2 bytes that says where they are. */
const HEADERS: Record<string, { name: string; text: (data: string) => string }> = {
  nrrd: {
    name: "scan.nhdr",
    text: (data) => `NRRD0004\ntype: uint8\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ndata file: ${data}\n`,
  },
  metaimage: {
    name: "scan.mhd",
    text: (data) =>
      `ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementDataFile = ${data}\n`,
  },
  mif: {
    name: "scan.mih",
    text: (data) =>
      `mrtrix image\ndim: 2,2,2\nvox: 1,1,1\nlayout: +0,+1,+2\ndatatype: UInt8\nfile: ${data} 0\nEND\n`,
  },
};
const backends = [nrrd, metaimage, mif];

const ELSEWHERE = [
  "../secret.raw",
  "..\\secret.raw",
  "./../secret.raw",
  "x/../../secret.raw",
  scratch.at("secret.raw"),
  `file://${scratch.at("secret.raw")}`,
  "//127.0.0.1/secret.raw",
  "http://127.0.0.1:9/secret.raw",
  "%2e%2e/secret.raw",
  "..",
];

describe.each(Object.keys(HEADERS))("%s", (format) => {
  const { name, text } = HEADERS[format]!;
  const path = scratch.at("public", name);

  test("reads the data beside the header", async () => {
    writeFileSync(path, text("beside.raw"));
    const image = await openImage(path, { backends });
    expect([...(await image.read()).contiguous().data]).toEqual(Array(8).fill(7));
    await image.close();
  });

  test.each(ELSEWHERE)("reads nothing at %s", async (data) => {
    writeFileSync(path, text(data));
    const outcome = (async () => {
      const image = await openImage(path, { backends });
      return image.read();
    })();
    await expect(outcome).rejects.toMatchObject({ name: "LazyImageError" });
  });

  test("nor, on a server, of another origin or above the folder", async () => {
    const elsewhere = await misbehavingServer({ "secret.raw": readFileSync(scratch.at("secret.raw")) });
    for (const data of ["../secret.raw", `${elsewhere.url}secret.raw`, elsewhere.url.replace("http:", "")]) {
      const server = await misbehavingServer({
        [`public/${name}`]: new TextEncoder().encode(text(`${data}`)),
        "secret.raw": readFileSync(scratch.at("secret.raw")),
      });
      const outcome = (async () => {
        const image = await openImage(`${server.url}public/${name}`, { backends });
        return image.read();
      })();
      await expect(outcome, data).rejects.toMatchObject({ name: "LazyImageError" });
      expect(server.log.filter(({ url }) => url.startsWith("/secret"))).toEqual([]);
      await server.close();
    }
    expect(elsewhere.log).toEqual([]);
    await elsewhere.close();
  });
});

test.skipIf(process.platform === "win32")(
  "links on one's own disk are followed, as by every program",
  async () => {
    symlinkSync(scratch.at("secret.raw"), scratch.at("public", "link.raw"));
    writeFileSync(scratch.at("public", "scan.nhdr"), HEADERS.nrrd!.text("link.raw"));
    const image = await openImage(scratch.at("public", "scan.nhdr"), { backends });
    expect((await image.read()).at(0, 0, 0, 0)).toBe(42);
    await image.close();
  },
);
