import { readFileSync } from "node:fs";
import { createRequest, type SimpleReader } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { type ItkHeader, itk, openItk } from "@lazyimg/reader-itk/backend";
import { backendSuite, countingSource } from "@lazyimg/testkit";
import { misbehavingServer } from "@lazyimg/testkit/server";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { GOLDEN, golden } from "../../../tests/support/golden.js";
import { type FormatFacts, tensorOf } from "../../../tests/support/vectors.js";

const facts = golden<Record<string, FormatFacts>>("itk/expected.json");
const pathOf = (name: string) => `${GOLDEN}itk/${name}`;
const bytesOf = (name: string) => new Uint8Array(readFileSync(pathOf(name)));
const open = (name: string) => openImage(pathOf(name), { backends: [itk] });

/** C `long`, which SimpleITK's has 64 bits, has 32 in WebAssembly. */
const REFUSED = ["int64.vtk"];

describe("files by SimpleITK", () => {
  test("are many", () => expect(Object.keys(facts).length).toBeGreaterThan(18));

  test.each(Object.entries(facts).filter(([name]) => !REFUSED.includes(name)))(
    "%s",
    async (name, expected) => {
      const image = await open(name);
      expect(image.shape).toEqual(expected.shape);
      expect(image.dtype).toBe(expected.dtype);
      expect(image.affine).toEqual(expected.affine);
      expect(image.affineSource).toBe("direction");
      expect((await image.read()).copy("C").data).toEqual(tensorOf(expected).data);
      await image.close();
    },
  );

  test.each(REFUSED)("%s: ERR_UNSUPPORTED_DTYPE", async (name) => {
    await expect(open(name)).rejects.toMatchObject({ code: "ERR_UNSUPPORTED_DTYPE" });
  });

  test.each([
    ["a.mnc2", "int16.mnc"],
    ["a.h5", "int16.hdf5"],
    ["a.jpeg", "flat.jpg"],
    ["a.tiff", "int16.tif"],
  ])("are read by their other name, %s", async (name, of) => {
    const image = await openImage(bytesOf(of), { backends: [itk], name });
    expect((await image.read()).copy("C").data).toEqual(tensorOf(facts[of]!).data);
  });

  test("keep their metadata", async () => {
    const header = (await open("slice.dcm")).header as ItkHeader;
    expect(header).toMatchObject({ pixelType: "Scalar", size: [7, 5, 1], origin: [-90, 126, -72] });
    expect(String(header.metadata["0028|1053"]).trim()).toBe("2.0");
  });

  test("come from bytes, Blobs, sources and URLs as well", async () => {
    const bytes = bytesOf("int16.gipl");
    const server = await misbehavingServer({ "int16.gipl": bytes });
    try {
      const name = "IMAGE.GIPL";
      for (const source of [
        bytes,
        new File([bytes], name),
        countingSource(bytes),
        `${server.url}int16.gipl?a=b.c`,
      ]) {
        const image = await openImage(source, {
          backends: [itk],
          ...(typeof source !== "string" && { name }),
        });
        expect(image.affine).toEqual(facts["int16.gipl"]!.affine);
      }
    } finally {
      await server.close();
    }
  });
});

describe.each(["int16.mrc", "rgb.png"])("%s", (name) => {
  backendSuite({
    test,
    async create() {
      const source = countingSource(bytesOf(name));
      const backend = await openItk(createRequest(source, { name }));
      return { backend, source, expected: tensorOf(facts[name]!), affine: facts[name]!.affine };
    },
    supports: { eager: true, views: true },
  });
});

describe("which requests are ITK's", () => {
  test.each(["a.dcm", "a.TIF", "a.gipl.gz", "https://x.org/a.png?b=c"])("%s is", (path) => {
    expect(itk.matches(createRequest(path))).toBe(true);
  });
  test.each([
    "a.nii",
    "a.nii.gz",
    "a.mha",
    "a.mhd",
    "a.nrrd",
    "a.nhdr",
    "a.mgh",
    "a.mgz",
    "a.hdr",
    "a.npy",
    "a.zarr",
    "dcm",
    "a.gz",
    "a",
  ])("%s is not", (path) => {
    expect(itk.matches(createRequest(path))).toBe(false);
  });
  test("one with a reader of its own is not", () => {
    const reader: SimpleReader = () => {
      throw new Error("not called");
    };
    expect(itk.matches(createRequest("a.dcm", { reader }))).toBe(false);
  });
});

describe("files that are wrong", () => {
  const bad: [string, string, Uint8Array][] = [
    ["nothing at all", "a.gipl", new Uint8Array()],
    ["another format", "a.dcm", bytesOf("int16.hdf5")],
    ["half of a file", "a.hdf5", bytesOf("int16.hdf5").subarray(0, 6000)],
    ["half of the voxels", "a.pic", bytesOf("uint8.pic").subarray(0, 88)],
    ["noise", "a.png", Uint8Array.from({ length: 5000 }, (_, n) => n * 89)],
    ["noise that is called MINC", "a.mnc", Uint8Array.from({ length: 5000 }, (_, n) => n * 89)],
    ["sizes that are endless", "a.gipl", bytesOf("int16.gipl").map((byte, n) => (n < 8 ? 0xff : byte))],
  ];
  test.each(bad)("%s", async (_, name, bytes) => {
    const error = await openImage(bytes, { backends: [itk], name }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "LazyImageError", code: "ERR_CORRUPT", cause: expect.anything() });
  });
  test("that is not there", async () => {
    await expect(openImage("/nowhere/a.dcm", { backends: [itk] })).rejects.toMatchObject({
      code: "ERR_NOT_FOUND",
    });
  });
  test("without a name that tells the format", async () => {
    await expect(openItk(createRequest(bytesOf("flat.png")))).rejects.toMatchObject({
      code: "ERR_UNSUPPORTED",
    });
  });
});

describe("aborting", () => {
  test("before it begins", async () => {
    const reason = new Error("enough");
    const opened = openItk(createRequest(pathOf("flat.png")), { signal: AbortSignal.abort(reason) });
    await expect(opened).rejects.toBe(reason);
  });
  test("while the file is read", async () => {
    const source = countingSource(bytesOf("flat.png"));
    const hold = source.hold();
    const controller = new AbortController();
    const opened = openItk(createRequest(source, { name: "a.png" }), { signal: controller.signal });
    await hold.reached;
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(opened).rejects.toBe(reason);
    hold.release();
  });
});

test("ITK is loaded when a file is opened, not before", async () => {
  for (const platform of ["node", "browser"] as const) {
    const { metafile } = await build({
      stdin: { contents: 'import "@lazyimg/reader-itk"', resolveDir: import.meta.dirname },
      ...{
        bundle: true,
        splitting: true,
        write: false,
        metafile: true,
        format: "esm",
        outdir: "out",
        platform,
      },
      logLevel: "error",
    });
    const chunks = Object.entries(metafile.outputs);
    const hasItk = chunks.filter(([, { inputs }]) =>
      Object.keys(inputs).some((path) => path.includes("itk-wasm/")),
    );
    expect(hasItk.length).toBeGreaterThan(0);
    const entry = chunks.find(([, { entryPoint }]) => entryPoint === "<stdin>")!;
    const atStart = [
      entry[0],
      ...entry[1].imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => path),
    ];
    expect(hasItk.filter(([path]) => atStart.includes(path))).toEqual([]);
  }
});
