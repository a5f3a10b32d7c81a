import { openImage } from "@lazyimg/image";
import { itk } from "@lazyimg/reader-itk/backend";
import { describe, expect, test } from "vitest";
import { goldenFile, goldenJson } from "../../../tests/support/page.js";
import { type FormatFacts, tensorOf } from "../../../tests/support/vectors.js";

const pipelinesBaseUrl = "/packages/reader-itk/node_modules/@itk-wasm/image-io/dist/pipelines/";
const facts = await goldenJson<Record<string, FormatFacts>>("itk", "expected.json");

const open = async (name: string, readerOptions: Readonly<Record<string, unknown>> = { pipelinesBaseUrl }) =>
  openImage(await goldenFile("itk", name), { backends: [itk], readerOptions });

/** C `long`, which SimpleITK's has 64 bits, has 32 in WebAssembly. */
const REFUSED = ["int64.vtk"];

describe("a dropped", () => {
  test.each(Object.entries(facts).filter(([name]) => !REFUSED.includes(name)))(
    "%s",
    async (name, expected) => {
      const image = await open(name);
      expect([image.shape, image.dtype, image.affine]).toEqual([
        expected.shape,
        expected.dtype,
        expected.affine,
      ]);
      expect((await image.read()).copy("C").data).toEqual(tensorOf(expected).data);
      await image.close();
    },
  );

  test.each(REFUSED)("%s: ERR_UNSUPPORTED_DTYPE", async (name) => {
    await expect(open(name)).rejects.toMatchObject({ code: "ERR_UNSUPPORTED_DTYPE" });
  });
});

test("nothing is fetched from anywhere unasked", async () => {
  await expect(open("rgb.png", {})).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
});

test("pipelines that are not where they should be: ERR_HTTP", async () => {
  const readerOptions = { pipelinesBaseUrl: new URL("/nowhere.json/", location.href) };
  const opened = openImage(new File([], "a.fdf"), { backends: [itk], readerOptions });
  await expect(opened).rejects.toMatchObject({ code: "ERR_HTTP" });
});

test("several at once", async () => {
  const names = ["rgb.tif", "int16.tif", "float32.tif", "int16.mnc", "int16.mnc"];
  const images = await Promise.all(names.map((name) => open(name)));
  for (const [n, image] of images.entries()) {
    expect((await image.read()).copy("C").data).toEqual(tensorOf(facts[names[n]!]!).data);
  }
});

// A pipeline's memory stays for the next file: what it has of the good ones above must not answer for these.
describe("files that are wrong: ERR_CORRUPT", () => {
  const noise = Uint8Array.from({ length: 5000 }, (_, n) => n * 89);
  test.each(["a.png", "a.mnc", "a.hdf5", "a.dcm", "a.gipl"])("noise that is called %s", async (name) => {
    const readerOptions = { pipelinesBaseUrl };
    const opened = openImage(new File([noise], name), { backends: [itk], readerOptions });
    await expect(opened).rejects.toMatchObject({ name: "LazyImageError", code: "ERR_CORRUPT" });
  });
});
