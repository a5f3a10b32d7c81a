import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { bytesSource } from "@lazyimg/byte-source";
import { buildIndex, writeIndex } from "@lazyimg/seekable-gzip";
import { type MisbehavingServer, misbehavingServer } from "@lazyimg/testkit/server";
import type { CallContext } from "@lazyimg/worker-link";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planesOf } from "../src/geometry.js";
import type { ImageInfo, PlaneData } from "../src/protocol.js";
import type { ViewerSource } from "../src/source.js";
import { planeWishes } from "../src/wishes.js";
import { backendsFor } from "../src/worker/formats.js";
import { Session } from "../src/worker/session.js";
import { contains } from "../src/worker/slabs.js";
import { Traffic } from "../src/worker/traffic.js";
import { FIXTURES, GOLDEN } from "./golden.js";

const context = (signal: AbortSignal = new AbortController().signal): CallContext => ({
  signal,
  onProgress: () => {},
});

const NOTHING_MORE = { plugins: [], readerOptions: {} };

/** An uncompressed NIfTI image of int16, `size` voxels along each axis, whose values are i + 10 j + 100 k. */
function cube(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(352 + 2 * size ** 3);
  const header = new DataView(bytes.buffer);
  header.setInt32(0, 348, true);
  for (const [n, value] of [3, size, size, size, 1, 1, 1, 1].entries())
    header.setInt16(40 + 2 * n, value, true);
  header.setInt16(70, 4, true);
  header.setInt16(72, 16, true);
  for (const n of [0, 1, 2, 3]) header.setFloat32(76 + 4 * n, 1, true);
  header.setFloat32(108, 352, true);
  header.setInt16(254, 1, true);
  for (const row of [0, 1, 2]) header.setFloat32(280 + 20 * row, 1, true);
  bytes.set([0x6e, 0x2b, 0x31], 344);
  const voxels = new Int16Array(bytes.buffer, 352);
  let n = 0;
  for (let k = 0; k < size; k++) {
    for (let j = 0; j < size; j++) for (let i = 0; i < size; i++) voxels[n++] = i + 10 * j + 100 * k;
  }
  return bytes;
}

function wishFor(info: ImageInfo, name: string, slice: number, channel: number | null = 0) {
  const { affine, shape } = info.levels[0]!;
  const plane = planesOf(affine, shape, "neurological").find((one) => one.name === name)!;
  const seen = { left: 0, top: 0, right: plane.width, bottom: plane.height };
  return planeWishes(info, channel, { plane, slice, seen, pixel: 0.1, effort: "unasked" }).fine.request;
}

async function opened(source: ViewerSource) {
  const traffic = new Traffic(() => {});
  const session = new Session(traffic);
  return { traffic, session, info: await session.open(source, NOTHING_MORE, context()) };
}

describe("a server's .nii", () => {
  const SIZE = 160;
  let server: MisbehavingServer;
  let url: string;
  beforeAll(async () => {
    server = await misbehavingServer({ "cube.nii": cube(SIZE) });
    url = `${server.url}cube.nii`;
  });
  afterAll(() => server.close());

  it("gives planes with the right voxels, for the bytes of the plane", async () => {
    const { session, info, traffic } = await opened({ kind: "url", url });
    const axial = (await session.plane(wishFor(info, "axial", 7), context())) as PlaneData;
    expect([axial.width, axial.height]).toEqual([SIZE, SIZE]);
    // Right is right, and the front is at the top.
    expect(axial.data[0]).toBe(10 * (SIZE - 1) + 700);
    expect(axial.data.at(-1)).toBe(SIZE - 1 + 700);
    const planeBytes = 2 * SIZE ** 2;
    expect(traffic.bytes).toBeLessThan(4096 + 5 * planeBytes);
    expect(traffic.bytes).toBe(server.bytes);
    expect(traffic.total).toBe(352 + 2 * SIZE ** 3);
  });

  it("reads the planes beside a costly one along with it", async () => {
    const { session, info, traffic } = await opened({ kind: "url", url });
    const sagittal = (await session.plane(wishFor(info, "sagittal", 80), context())) as PlaneData;
    expect(sagittal.data[0]).toBe(80 + 10 * (SIZE - 1) + 100 * (SIZE - 1));
    const before = traffic.requests;
    // The whole file had to be read, and all of it is kept.
    for (const name of ["axial", "coronal", "sagittal"])
      for (const slice of [0, 33, 159]) await session.plane(wishFor(info, name, slice), context());
    expect(traffic.requests).toBe(before);
    expect(session.cached).toBe(2 * SIZE ** 3);
  });

  it("reads values that it has, and one voxel where it has none", async () => {
    const { session, info, traffic } = await opened({ kind: "url", url });
    await session.plane(wishFor(info, "axial", 7), context());
    const before = traffic.bytes;
    expect(await session.value([3, 4, 7], 0, context())).toEqual([3 + 40 + 700]);
    expect(traffic.bytes).toBe(before);
    expect(await session.value([3, 4, 90], 0, context())).toEqual([3 + 40 + 9000]);
    expect(traffic.bytes).toBe(before + 2);
  });

  it("aborts what nobody waits for, and not what somebody does", async () => {
    const { session, info } = await opened({ kind: "url", url });
    let hold = server.hold();
    const [one, other] = [new AbortController(), new AbortController()];
    const wish = wishFor(info, "axial", 100);
    const first = session.plane(wish, context(one.signal));
    const second = session.plane(wish, context(other.signal));
    await hold.reached;
    one.abort(new Error("gone"));
    await expect(first).rejects.toThrow("gone");
    hold.release();
    expect(((await second) as PlaneData).data[0]).toBe(10 * (SIZE - 1) + 10_000);

    server.reset();
    hold = server.hold();
    const third = session.plane(wishFor(info, "axial", 40), context(other.signal));
    await hold.reached;
    other.abort(new Error("gone too"));
    await expect(third).rejects.toThrow("gone too");
    await expect.poll(() => server.log.some(({ aborted }) => aborted)).toBe(true);
    hold.release();
    // It can be read all the same.
    expect(((await session.plane(wishFor(info, "axial", 40), context())) as PlaneData).data[0]).toBe(
      10 * (SIZE - 1) + 4000,
    );
  });
});

it("reads a plane of a .nii.gz with a sidecar from near where it lies", async () => {
  const size = 200;
  const bytes = cube(size);
  // Noise, which hardly compresses.
  const voxels = new Int16Array(bytes.buffer, 352);
  for (let n = 0, state = 1; n < voxels.length; n++) {
    state = (state * 48271) % 2147483647;
    voxels[n] = state & 0x7ff;
  }
  const zipped = gzipSync(bytes, { level: 1 });
  const sidecar = writeIndex(await buildIndex(bytesSource(zipped)));
  const server = await misbehavingServer({ "noise.nii.gz": zipped, "noise.nii.gz.gzidx": sidecar });
  const { session, info, traffic } = await opened({ kind: "url", url: `${server.url}noise.nii.gz` });
  const plane = (await session.plane(wishFor(info, "axial", 190), context())) as PlaneData;
  expect(plane.data[0]).toBe(voxels[size * (size - 1) + 190 * size * size]);
  // A plane is 80 kB of 16 MB, and the spans around it are a megabyte or two.
  expect(traffic.bytes - sidecar.length).toBeLessThan(zipped.length / 4);
  const before = traffic.bytes;
  await session.plane(wishFor(info, "axial", 189), context());
  expect(traffic.bytes - before).toBeLessThan(zipped.length / 4);
  await server.close();
});

it("keeps no more than its bound, whatever is looked at", async () => {
  // 432 MB of float64: scaled values.
  const size = 378;
  const bytes = cube(size);
  new DataView(bytes.buffer).setFloat32(112, 0.5, true);
  const files = new Map([["big.nii", new Blob([bytes])]]);
  const { session, info } = await opened({ kind: "file", name: "big.nii", files });
  expect(info.valueDtype).toBe("float64");
  for (let slice = 0; slice < size; slice += 3) {
    for (const name of ["sagittal", "coronal", "axial"])
      await session.warm(wishFor(info, name, slice), context());
    expect(session.cached).toBeLessThanOrEqual(192 * 2 ** 20);
  }
});

it("asks before it reads very much from far away", async () => {
  const bytes = cube(330);
  // The name is all that tells near from far.
  const far: typeof fetch = async (_, init) => {
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(new Headers(init?.headers).get("range")!)!;
    const stop = Math.min(bytes.length, Number(to) + 1);
    const headers = { "content-range": `bytes ${from}-${stop - 1}/${bytes.length}` };
    return new Response(bytes.slice(Number(from), stop), { status: 206, headers });
  };
  const own = globalThis.fetch;
  globalThis.fetch = far;
  try {
    const { session, info, traffic } = await opened({ kind: "url", url: "https://example.org/cube.nii" });
    const wish = wishFor(info, "sagittal", 5);
    const first = (await session.plane(wish, context())) as PlaneData;
    expect([first.more, first.costly]).toEqual([true, undefined]);
    expect(traffic.bytes).toBeLessThan(16 * 2 ** 20);
    const some = (await session.plane({ ...wish, round: 1 }, context())) as PlaneData;
    expect(some.more).toBeUndefined();
    expect(some.costly).toBeGreaterThan(64 * 2 ** 20);
    expect(traffic.bytes).toBeLessThan((16 + 64) * 2 ** 20);
    const quick = (await session.plane({ ...wish, effort: "quick" }, context())) as PlaneData;
    expect(quick.costly).toBeUndefined();
    expect(traffic.bytes).toBeLessThan((16 + 64 + 4) * 2 ** 20);

    const all = (await session.plane({ ...wish, effort: "all", round: 2 }, context())) as PlaneData;
    expect([all.more, all.costly]).toEqual([undefined, undefined]);
    const { width, height } = all;
    const rowOf = ({ data }: PlaneData, row: number) => data.subarray(row * width, (row + 1) * width);
    for (let row = 0; row < height; row++) {
      const k = height - 1 - row;
      expect(all.data[row * width]).toBe(new Int16Array([5 + 10 * 329 + 100 * k])[0]);
    }
    // Less of it is some of its rows, each in place of those around it.
    const step = (plane: PlaneData) =>
      Array.from({ length: height }, (_, row) => row).reduce((most, row) => {
        const near = Array.from({ length: height }, (_, other) => Math.abs(other - row)).filter((_, other) =>
          Buffer.from(
            rowOf(plane, row).buffer as ArrayBuffer,
            rowOf(plane, row).byteOffset,
            2 * width,
          ).equals(
            Buffer.from(rowOf(all, other).buffer as ArrayBuffer, rowOf(all, other).byteOffset, 2 * width),
          ),
        );
        return Math.max(most, Math.min(...near));
      }, 0);
    expect(step(some)).toBe(1);
    expect(step(first)).toBeGreaterThan(1);
    expect(step(quick)).toBeGreaterThan(step(first));
    expect(step(quick)).toBeLessThan(24);
  } finally {
    globalThis.fetch = own;
  }
});

describe("values are nibabel's", () => {
  it.each(Object.entries(GOLDEN.images))("%s", async (name, { samples, shape }) => {
    const files = new Map([[name, new Blob([readFileSync(FIXTURES + name)])]]);
    const { session, info } = await opened({ kind: "file", name, files });
    expect(info.levels[0]!.shape.slice(1)).toEqual(shape.slice(0, 3));
    for (const { voxel, value } of samples)
      expect(await session.value(voxel, null, context())).toEqual(value);
    // And in planes.
    for (const { voxel, value } of samples.slice(0, 10)) {
      for (const { name: plane, across, x, y } of planesOf(
        info.levels[0]!.affine,
        info.levels[0]!.shape,
        "radiological",
      )) {
        const request = planeWishes(info, null, {
          plane: planesOf(info.levels[0]!.affine, info.levels[0]!.shape, "radiological").find(
            (one) => one.name === plane,
          )!,
          slice: voxel[across]!,
          seen: { left: 0, top: 0, right: 1, bottom: 1 },
          pixel: 1,
          effort: "unasked",
        }).fine.request;
        const { data, width, channels } = (await session.plane(request, context())) as PlaneData;
        const sizes = info.levels[0]!.shape;
        const column = x.flip ? sizes[x.axis + 1]! - 1 - voxel[x.axis]! : voxel[x.axis]!;
        const row = y.flip ? sizes[y.axis + 1]! - 1 - voxel[y.axis]! : voxel[y.axis]!;
        const at = channels * (row * width + column);
        expect([...data.subarray(at, at + channels)]).toEqual(value);
      }
    }
  });
});

it("knows which regions hold others", () => {
  const axis = (start: number, size: number, step = 1) => ({ start, step, size });
  const one = axis(0, 1);
  const range = (k: ReturnType<typeof axis>) => [one, one, one, k] as const;
  expect(contains(range(axis(0, 10)), range(axis(3, 7)))).toBe(true);
  expect(contains(range(axis(0, 10)), range(axis(3, 8)))).toBe(false);
  expect(contains(range(axis(2, 5)), range(axis(1, 2)))).toBe(false);
  expect(contains(range(axis(0, 10, 2)), range(axis(2, 3, 2)))).toBe(true);
  expect(contains(range(axis(0, 10, 2)), range(axis(2, 3, 1)))).toBe(false);
  expect(contains(range(axis(0, 10, 2)), range(axis(3, 3, 2)))).toBe(false);
});

it.each([
  ["scan.nii.gz", "nifti"],
  ["IM0001", "nifti"],
  ["a.IMG", "nifti"],
  ["a.nrrd", "nrrd"],
  ["a.nhdr", "nrrd"],
  ["a.mha", "metaimage"],
  ["a.MHD", "metaimage"],
  ["a.mgz", "mgh"],
  ["a.mgh.gz", "mgh"],
  ["a.mif.gz", "mif"],
  ["a.npy", "npy"],
  ["a.gipl.gz", "itk"],
  ["a.TIF", "itk"],
  ["a.nii.zarr", "remote-nifti-zarr"],
  ["a.ome.zarr.zip", "remote-nifti-zarr"],
])("loads the backend of %s", async (name, backend) => {
  expect((await backendsFor(name))[0]!.name).toBe(backend);
});
