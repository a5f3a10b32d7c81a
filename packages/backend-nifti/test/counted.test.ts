import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, open as openFile, rm, stat } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { nifti } from "@lazyimg/backend-nifti";
import { bytesSource, fileSource } from "@lazyimg/byte-source";
import { type Index, slice } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { encodeNiftiHeader } from "@lazyimg/nifti-header";
import { type CountingSource, countingSource } from "@lazyimg/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const SHAPE = [1, 512, 512, 400] as const;
const PLANE = 512 * 512 * 2;
const AFFINE = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lazyimg-counted-"));
  path = join(folder, "large.nii");
  // 210 MB that take no disk: all voxels but one are holes.
  const file = await openFile(path, "w");
  await file.write(encodeNiftiHeader({ shape: SHAPE, dtype: "int16", affine: AFFINE }));
  await file.truncate(352 + 400 * PLANE);
  await file.write(
    new Uint8Array(Int16Array.of(1234).buffer),
    0,
    2,
    352 + 2 * (260 + 512 * 261 + 512 * 512 * 262),
  );
  await file.close();
});
afterAll(() => rm(folder, { recursive: true }));

async function openCounted(): Promise<{
  source: CountingSource;
  image: Awaited<ReturnType<typeof openImage>>;
}> {
  const source = countingSource(fileSource(path));
  return { source, image: await openImage(source, { backends: [nifti] }) };
}

const block: Index = [0, slice(230, 294), slice(230, 294), slice(230, 294)];

describe("bytes and requests on disk", () => {
  test("opening reads at most 4 KiB, once", async () => {
    const { source } = await openCounted();
    expect(source.bytes).toBeLessThanOrEqual(4096);
    expect(source.requests).toBe(1);
  });

  const regions: [string, Index, { bytes: number; requests: number; factor: number }][] = [
    ["an axial slice", [0, null, null, 262], { bytes: PLANE, requests: 1, factor: 1.05 }],
    ["a 64-cubed block", block, { bytes: 64 ** 3 * 2, requests: 70, factor: 8.1 }],
    ["a coronal slice", [0, null, 261], { bytes: 512 * 400 * 2, requests: 400, factor: 1.05 }],
    ["a voxel", [0, 260, 261, 262], { bytes: 2, requests: 1, factor: 1 }],
    [
      "two far slices",
      [0, null, null, slice(100, 301, 200)],
      { bytes: 2 * PLANE, requests: 2, factor: 1.05 },
    ],
    ["nothing", [0, null, null, slice(5, 5)], { bytes: 0, requests: 0, factor: 1 }],
  ];
  test.each(regions)("%s", async (_, index, limit) => {
    const { source, image } = await openCounted();
    source.reset();
    const plan = image.explain(index)!;
    const tensor = await image.read(index);
    expect(source.bytes).toBeLessThanOrEqual(limit.factor * limit.bytes);
    expect(source.requests).toBeLessThanOrEqual(limit.requests);
    expect(plan).toMatchObject({
      bytes: source.bytes,
      requests: source.requests,
      outputBytes: tensor.data.byteLength,
    });
    expect(tensor.data.byteLength).toBe(limit.bytes);
  });

  test("the block holds the voxel where it belongs", async () => {
    const { image } = await openCounted();
    const tensor = await image.read(block);
    expect(tensor.at(0, 260 - 230, 261 - 230, 262 - 230)).toBe(1234);
    expect(Array.from(tensor.data, Number).reduce((sum, value) => sum + value, 0)).toBe(1234);
  });
});

describe("compressed", () => {
  test("opening a .nii.gz reads at most 64 KiB of it", async () => {
    // Noise: a header of 352 bytes in a file that does not compress.
    const noise = randomBytes(2 ** 20);
    const header = encodeNiftiHeader({ shape: [1, 128, 128, 64], dtype: "uint8", affine: AFFINE });
    const source = countingSource(
      bytesSource(gzipSync(Buffer.concat([header, noise])), { name: "noise.nii.gz" }),
    );
    const image = await openImage(source, { backends: [nifti] });
    expect(image.shape).toEqual([1, 128, 128, 64]);
    expect(source.bytes).toBeLessThanOrEqual(65_536);
  });
});

describe("over HTTP", () => {
  let server: Server;
  let url: string;
  let requests: { bytes: number }[] = [];

  beforeAll(async () => {
    const { size } = await stat(path);
    server = createServer((request, response) => {
      const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
      const start = Number(from);
      const end = to === "" || to === undefined ? size - 1 : Math.min(Number(to), size - 1);
      requests.push({ bytes: end - start + 1 });
      response.writeHead(206, {
        "Content-Range": `bytes ${start}-${end}/${size}`,
        "Content-Length": end - start + 1,
        ETag: '"1"',
      });
      pipeline(createReadStream(path, { start, end }), response, () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/large.nii`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test("opening takes one request of at most 4 KiB", async () => {
    requests = [];
    await openImage(url, { backends: [nifti] });
    expect(requests.length).toBe(1);
    expect(requests[0]!.bytes).toBeLessThanOrEqual(4096);
  });

  test("an axial slice is one request, a 64-cubed block at most 70", async () => {
    const image = await openImage(url, { backends: [nifti] });
    requests = [];
    await image.read([0, null, null, 262]);
    expect(requests.length).toBe(1);
    expect(requests[0]!.bytes).toBeLessThanOrEqual(1.05 * PLANE);
    requests = [];
    const tensor = await image.read(block);
    expect(tensor.at(0, 30, 31, 32)).toBe(1234);
    expect(requests.length).toBeLessThanOrEqual(70);
    expect(requests.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(8.1 * 64 ** 3 * 2);
  });

  test("a sagittal slice passes through in bounded memory", async () => {
    // The engine's compilers take up to 30 MiB, once, for the platform's own HTTP client: they are off, and then on.
    await expectPeak(url, 512 * 400 * 2 + 32 * 2 ** 20, ["--liftoff-only", "--no-opt"]);
    await expectPeak(url, 512 * 400 * 2 + 64 * 2 ** 20);
  });
});

/** The most bytes above where it began that reading a sagittal slice takes in a process of its own. */
async function expectPeak(source: string, limit: number, flags: string[] = []): Promise<void> {
  const script = fileURLToPath(new URL("fixtures/peak.mjs", import.meta.url));
  let least = Number.POSITIVE_INFINITY;
  // On a busy machine the garbage collector comes late, which makes it more, and never less.
  for (let attempt = 0; attempt < 5 && least > limit; attempt++) {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      "--expose-gc",
      ...flags,
      script,
      source,
    ]);
    expect(stderr).toBe("");
    least = Math.min(least, Number(stdout));
  }
  expect(least).toBeLessThanOrEqual(limit);
}

test("a sagittal slice of 210 MB takes its output and 32 MiB", async () => {
  await expectPeak(path, 512 * 400 * 2 + 32 * 2 ** 20);
});
