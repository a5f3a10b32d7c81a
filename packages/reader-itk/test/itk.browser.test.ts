import { openImage } from "@lazyimg/image";
import { itk } from "@lazyimg/reader-itk/backend";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { endlessPic } from "../../../tests/support/itk.js";
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

describe("a file that ITK would read for ever", () => {
  const endless = async (readerOptions: Readonly<Record<string, unknown>>, signal?: AbortSignal) => {
    const pic = new Uint8Array(await (await goldenFile("itk", "uint8.pic")).arrayBuffer());
    const options = { backends: [itk], readerOptions: { pipelinesBaseUrl, ...readerOptions }, signal };
    return openImage(new File([endlessPic(pic)], "a.pic"), options);
  };

  test("is ended by its time, and by an abort, and others open as before", async () => {
    await expect(endless({ timeLimit: 1 })).rejects.toMatchObject({ code: "ERR_LIMIT" });
    const controller = new AbortController();
    const reason = new Error("enough");
    setTimeout(() => controller.abort(reason), 500);
    await expect(endless({}, controller.signal)).rejects.toBe(reason);
    const image = await open("uint8.pic");
    expect((await image.read()).copy("C").data).toEqual(tensorOf(facts["uint8.pic"]!).data);
  });
});

describe("where no Worker starts, files are read all the same", () => {
  const { Worker } = globalThis;
  // Those that wait for another file have ended by then.
  beforeAll(() => new Promise((resolve) => setTimeout(resolve, 2500)));
  afterEach(() => {
    globalThis.Worker = Worker;
  });
  const WORKERS = {
    "that a policy forbids": class {
      constructor() {
        throw new DOMException("Access to the script is denied.", "SecurityError");
      }
    },
    "whose script is missing": class extends Worker {
      constructor() {
        super("/nowhere.js", { type: "module" });
      }
    },
  };
  test.each(Object.entries(WORKERS))("%s", async (_, kind) => {
    globalThis.Worker = kind as typeof Worker;
    for (const name of ["rgb.png", "int16.mnc", "int16.mnc"]) {
      const image = await open(name);
      expect((await image.read()).copy("C").data).toEqual(tensorOf(facts[name]!).data);
    }
  });
});
