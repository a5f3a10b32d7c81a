import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import { nifti } from "@lazyimg/backend-nifti";
import { fileSource } from "@lazyimg/byte-source";
import { createRequest, type Index, slice } from "@lazyimg/core";
import { type Image, openImage } from "@lazyimg/image";
import { encodeNiftiHeader } from "@lazyimg/nifti-header";
import { buildIndex, type GzipIndex, gzipSource, writeIndex } from "@lazyimg/seekable-gzip";
import { type CountingSource, countingSource } from "@lazyimg/testkit";
import { type MisbehavingServer, misbehavingServer } from "@lazyimg/testkit/server";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

const SHAPE = [1, 256, 256, 120] as const;
const PLANE = 256 * 256 * 2;
const AFFINE = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
const NAME = "scan.nii.gz";

let folder: string;
let path: string;
let voxels: Int16Array;
let compressed: Uint8Array;
let sidecar: Uint8Array;
let index: GzipIndex;

/** 16 MB of int16 that compress to a half: a wave and noise. */
function volume(): Uint8Array {
  let seed = 7;
  const random = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return (seed >>> 8) / 2 ** 24;
  };
  const header = encodeNiftiHeader({ shape: SHAPE, dtype: "int16", affine: AFFINE });
  const bytes = new Uint8Array(header.length + PLANE * 120);
  bytes.set(header);
  const values = new Int16Array(bytes.buffer, header.length);
  for (let n = 0; n < values.length; n++) values[n] = 900 * Math.sin(n / 400) + 30 * random();
  return bytes;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lazyimg-gzip-"));
  path = join(folder, NAME);
  const raw = volume();
  voxels = new Int16Array(raw.buffer, 352);
  compressed = gzipSync(raw, { level: 6 });
  await writeFile(path, compressed);
  index = await buildIndex(fileSource(path));
  sidecar = writeIndex(index);
  await writeFile(join(folder, "kept.gzidx"), sidecar);
});
afterAll(() => rm(folder, { recursive: true }));

/** Whether `image` gives the plane `k` that was written. */
async function expectPlane(image: Image, k: number, signal?: AbortSignal): Promise<void> {
  const { data } = await image.read([0, null, null, k], { signal });
  expect(Buffer.compare(Buffer.from(data.buffer, data.byteOffset, data.byteLength), planeBytes(k))).toBe(0);
}
const planeBytes = (k: number) => Buffer.from(voxels.buffer, voxels.byteOffset + k * PLANE, PLANE);

/** Compressed bytes between the checkpoints around a range of the file inside, and those checkpoints' number. */
function between(first: number, last: number): { bytes: number; spans: number } {
  const { points, compressedSize } = index;
  const before = points.findLastIndex(({ offset }) => offset <= first);
  const behind = points.findIndex(({ offset }) => offset > last);
  const end = behind < 0 ? compressedSize : Math.ceil(points[behind]!.bit / 8);
  return {
    bytes: end - Math.floor(points[before]!.bit / 8),
    spans: (behind < 0 ? points.length : behind) - before,
  };
}
const around = (k: number) => between(352 + k * PLANE, 352 + (k + 1) * PLANE - 1);

interface Opened {
  readonly image: Image;
  readonly source: CountingSource;
  readonly beside: CountingSource | null;
  readonly warnings: string[];
}

/** The file with counted reads, and `index` as its sidecar. */
async function openCounted(
  index: Uint8Array | string | null,
  readerOptions: Record<string, unknown> = {},
): Promise<Opened> {
  const source = countingSource(fileSource(path));
  const beside =
    index === null ? null : countingSource(index instanceof Uint8Array ? index : fileSource(index));
  const warnings: string[] = [];
  const image = await openImage(
    createRequest(source, {
      sibling: async (name) => (name === `${NAME}.gzidx` ? beside : null),
      readerOptions: { onWarning: (text: string) => warnings.push(text), ...readerOptions },
    }),
    { backends: [nifti] },
  );
  return { image, source, beside, warnings };
}

describe("with a sidecar", () => {
  test("the header needs neither it nor more than 64 KiB", async () => {
    const { image, source, beside } = await openCounted(sidecar);
    expect(image.shape).toEqual(SHAPE);
    expect(source).toMatchObject({ bytes: 16384, requests: 1 });
    expect(beside!.requests).toBe(0);
  });

  test("a range fetches what lies between the checkpoints around it, and the sidecar once", async () => {
    const { image, source, beside, warnings } = await openCounted(sidecar);
    for (const k of [60, 119, 3]) {
      source.reset();
      await expectPlane(image, k);
      expect(source.bytes).toBeLessThanOrEqual(1.1 * around(k).bytes);
    }
    expect(beside!.bytes).toBe(sidecar.length);
    expect(beside!.closed).toBe(true);
    expect(warnings).toEqual([]);
  });

  test.each<[string, Index, first: number, last: number]>([
    ["an axial slice", [0, null, null, 60], 60 * PLANE, 61 * PLANE - 1],
    ["a block", [0, slice(50, 114), slice(50, 114), slice(30, 94)], 30 * PLANE, 94 * PLANE - 1],
    ["everything", "...", 0, 120 * PLANE - 1],
    ["a sagittal slice", [0, 100], 0, 120 * PLANE - 1],
  ])("explain() tells what %s fetches", async (_, region, first, last) => {
    const { image, source } = await openCounted(sidecar);
    await expectPlane(image, 1);
    await expectPlane(image, 110);
    await image.read("..."); // pushes out what is remembered
    source.reset();
    const plan = image.explain(region)!;
    const tensor = await image.read(region);
    const { bytes } = between(352 + first, 352 + last);
    expect(plan.outputBytes).toBe(tensor.data.byteLength);
    expect(source.bytes).toBeLessThanOrEqual(plan.bytes);
    expect(plan.bytes).toBeLessThanOrEqual(1.1 * bytes);
    expect(source.requests).toBeLessThanOrEqual(plan.requests);
  });

  test("explain() counts what lies between the slices of a region as little as a read fetches it", async () => {
    const { image, source } = await openCounted(sidecar);
    await expectPlane(image, 20);
    source.reset();
    const region: Index = [0, null, null, slice(3, 120, 50)];
    const plan = image.explain(region)!;
    await image.read(region);
    expect(plan).toMatchObject({ bytes: source.bytes, requests: source.requests });
    expect(plan.bytes).toBe([3, 53, 103].reduce((sum, k) => sum + around(k).bytes, 0));
  });

  test("readerOptions.gzipSource inflates instead, with the same sidecar", async () => {
    const spied: unknown[] = [];
    const spy: typeof gzipSource = (inner, options) => {
      spied.push(options?.sidecar);
      return gzipSource(inner, options);
    };
    const { image, source } = await openCounted(sidecar, { gzipSource: spy });
    source.reset();
    await expectPlane(image, 60);
    expect(spied).toEqual([expect.any(Function)]);
    expect(source.bytes).toBeLessThanOrEqual(1.1 * around(60).bytes);
  });

  test("gzipped, it is read as well", async () => {
    const { image, source, warnings } = await openCounted(gzipSync(sidecar));
    source.reset();
    await expectPlane(image, 100);
    expect(source.bytes).toBeLessThanOrEqual(1.1 * around(100).bytes);
    expect(warnings).toEqual([]);
  });

  test("many readers at once share it and their spans; who leaves fails nobody", async () => {
    const { image, source, beside } = await openCounted(sidecar);
    const leaving = new AbortController();
    source.reset();
    const left = expectPlane(image, 70, leaving.signal);
    const others = [70, 70, 71, 70].map((k) => expectPlane(image, k));
    leaving.abort("enough");
    await expect(left).rejects.toBe("enough");
    await Promise.all(others);
    expect(beside!.bytes).toBe(sidecar.length);
    expect(source.bytes).toBeLessThanOrEqual(1.1 * between(352 + 70 * PLANE, 352 + 72 * PLANE - 1).bytes);
  });

  test("of another file it is refused, with one warning, and the pass takes over", async () => {
    const other = gzipSync(gunzipSync(compressed), { level: 1 });
    const foreign = await buildIndex({
      gap: 0,
      size: async () => other.length,
      read: async (offset, length) => other.subarray(offset, offset + length),
      async *stream(offset) {
        yield other.subarray(offset);
      },
    });
    for (const wrong of [
      writeIndex(foreign),
      writeIndex({ ...foreign, compressedSize: compressed.length }),
      sidecar.subarray(0, 5000),
      new TextEncoder().encode("<html>not here</html>"),
    ]) {
      const { image, warnings } = await openCounted(wrong);
      await expectPlane(image, 60);
      await expectPlane(image, 2);
      expect(warnings).toHaveLength(1);
    }
  });
});

describe("on disk", () => {
  beforeEach(() => rm(`${path}.gzidx`, { force: true }));
  const openPath = async (readerOptions: Record<string, unknown> = {}) => {
    const warnings: string[] = [];
    const onWarning = (text: string) => warnings.push(text);
    const image = await openImage(path, {
      backends: [nifti],
      readerOptions: { onWarning, ...readerOptions },
    });
    return { image, warnings };
  };
  /** Whether a sidecar is in use: what lies far ahead is cheap. */
  const isIndexed = (image: Image) => image.explain([0, null, null, 119])!.bytes <= 1.1 * around(119).bytes;

  test("NAME.gzidx is found", async () => {
    await writeFile(`${path}.gzidx`, sidecar);
    const { image, warnings } = await openPath();
    await expectPlane(image, 10);
    expect(isIndexed(image)).toBe(true);
    expect(warnings).toEqual([]);
  });

  test("older than its file it is refused", async () => {
    await writeFile(`${path}.gzidx`, sidecar);
    const { mtimeMs } = await stat(path);
    await utimes(`${path}.gzidx`, new Date(), new Date(mtimeMs - 10_000));
    const { image, warnings } = await openPath();
    await expectPlane(image, 10);
    expect(isIndexed(image)).toBe(false);
    expect(warnings).toEqual([expect.stringMatching(/scan\.nii\.gz\.gzidx is of .* older than its file/)]);
    await utimes(`${path}.gzidx`, new Date(), new Date(mtimeMs + 10_000));
    const again = await openPath();
    await expectPlane(again.image, 10);
    expect(isIndexed(again.image)).toBe(true);
  });

  test("readerOptions.gzipIndex says which one, or none", async () => {
    const elsewhere = join(folder, "kept.gzidx");
    for (const gzipIndex of [elsewhere, sidecar, fileSource(elsewhere), `file://${elsewhere}`]) {
      const { image, warnings } = await openPath({ gzipIndex });
      await expectPlane(image, 10);
      expect(isIndexed(image)).toBe(true);
      expect(warnings).toEqual([]);
    }
    await writeFile(`${path}.gzidx`, sidecar);
    const { image } = await openPath({ gzipIndex: false });
    await expectPlane(image, 10);
    expect(isIndexed(image)).toBe(false);
    const missing = await openPath({ gzipIndex: join(folder, "missing.gzidx") });
    await expectPlane(missing.image, 10);
    expect(missing.warnings).toEqual([expect.stringContaining("missing.gzidx")]);
    for (const wrong of [
      { gzipIndex: 7 },
      { gzipCache: "yes" },
      { onWarning: "loud" },
      { gzipSource: true },
    ]) {
      await expect(openPath(wrong)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    }
  });

  test("both halves of a pair have their own", async () => {
    const { points } = index;
    const image = gzipSync(new Uint8Array(voxels.buffer, voxels.byteOffset));
    const header = encodeNiftiHeader({ shape: SHAPE, dtype: "int16", affine: AFFINE });
    // "ni1" and voxels from byte 0 on.
    header.set(Buffer.from("ni1\0"), 344);
    new DataView(header.buffer, header.byteOffset).setFloat32(108, 0, true);
    await writeFile(join(folder, "pair.hdr.gz"), gzipSync(header.subarray(0, 348)));
    await writeFile(join(folder, "pair.img.gz"), image);
    await writeFile(
      join(folder, "pair.img.gz.gzidx"),
      writeIndex(await buildIndex(fileSource(join(folder, "pair.img.gz")))),
    );
    for (const half of ["pair.hdr.gz", "pair.img.gz"]) {
      const opened = await openImage(join(folder, half), { backends: [nifti] });
      await expectPlane(opened, 60);
      const last = points.at(-1)!.offset;
      expect(opened.explain([0, null, null, 119])!.bytes).toBeLessThan(compressed.length / 8);
      expect(last).toBeGreaterThan(0);
    }
  });

  test("an index can be kept between runs, by path and version", async () => {
    const kept = new Map<string, Uint8Array>();
    const gzipCache = {
      get: async (key: string) => kept.get(key) ?? null,
      set: async (key: string, bytes: Uint8Array) => void kept.set(key, bytes),
    };
    const first = await openPath({ gzipCache });
    await first.image.read();
    await expect.poll(() => [...kept.keys()]).toEqual([expect.stringContaining(path)]);
    const second = await openPath({ gzipCache });
    await expectPlane(second.image, 10);
    expect(isIndexed(second.image)).toBe(true);
    // Of a file that was replaced it is not even found.
    await rename(path, `${path}.old`);
    await writeFile(path, compressed);
    const third = await openPath({ gzipCache });
    await expectPlane(third.image, 10);
    expect(isIndexed(third.image)).toBe(false);
  });
});

describe("without a sidecar", () => {
  test("reading on in order takes one pass; what was passed takes its spans", async () => {
    const { image, source } = await openCounted(null);
    for (const k of [0, 30, 60, 119]) await expectPlane(image, k);
    await image.read();
    const total = source.bytes;
    expect(total).toBeLessThanOrEqual(2.1 * compressed.length);
    for (const k of [50, 20]) {
      source.reset();
      const plan = image.explain([0, null, null, k])!;
      await expectPlane(image, k);
      expect(source.bytes).toBeLessThanOrEqual(1.1 * around(k).bytes);
      expect(plan.bytes).toBe(source.bytes);
    }
  });

  test("everything is one pass, and not a byte is fetched twice", async () => {
    const { image, source } = await openCounted(null);
    const plan = image.explain("...")!;
    await image.read();
    expect(source.bytes).toBe(compressed.length);
    expect(source.requests).toBe(2);
    expect(plan.bytes).toBeLessThanOrEqual(compressed.length);
    expect(plan.bytes).toBeGreaterThan(0.7 * compressed.length);
  });

  test("many readers share the pass; who leaves fails nobody", async () => {
    const { image, source } = await openCounted(null);
    const leaving = new AbortController();
    const hold = source.hold();
    const left = expectPlane(image, 118, leaving.signal);
    const others = [100, 101, 40, 119].map((k) => expectPlane(image, k));
    await hold.reached;
    leaving.abort("enough");
    await expect(left).rejects.toBe("enough");
    hold.release();
    await Promise.all(others);
    expect(source.bytes).toBeLessThanOrEqual(compressed.length + around(40).bytes);
  });
});

describe("over HTTP", () => {
  let server: MisbehavingServer;
  beforeAll(async () => {
    server = await misbehavingServer({ [`plain/${NAME}`]: compressed, [`indexed/${NAME}`]: compressed });
    server.put(`indexed/${NAME}.gzidx`, sidecar);
    // The sidecar before its file: older.
    server.put(`old/${NAME}.gzidx`, sidecar);
    server.put(`old/${NAME}`, compressed);
  });
  afterAll(() => server.close());
  beforeEach(() => server.reset());

  const open = async (place: string, readerOptions: Record<string, unknown> = {}) => {
    const warnings: string[] = [];
    const onWarning = (text: string) => warnings.push(text);
    const image = await openImage(`${server.url}${place}`, {
      backends: [nifti],
      readerOptions: { onWarning, ...readerOptions },
    });
    return { image, warnings };
  };
  const requestsOf = (name: string) => server.log.filter(({ url }) => url.split("?")[0]!.endsWith(name));

  test("the header takes one request of 16 KiB", async () => {
    const { image } = await open(`plain/${NAME}`);
    expect(image.shape).toEqual(SHAPE);
    expect(server.log.map(({ range, bytes }) => [range, bytes])).toEqual([["bytes=0-16383", 16384]]);
  });

  test("with a sidecar there are ranges only: the spans around what is read, and the sidecar once", async () => {
    const { image, warnings } = await open(`indexed/${NAME}?signature=1`);
    server.reset();
    await expectPlane(image, 60);
    expect(requestsOf(".gzidx").map(({ url, bytes }) => [url.endsWith("?signature=1"), bytes])).toEqual([
      [true, sidecar.length],
    ]);
    expect(server.bytes).toBeLessThanOrEqual(1.1 * around(60).bytes + sidecar.length);
    server.reset();
    const plan = image.explain([0, null, null, 100])!;
    await expectPlane(image, 100);
    expect(server.bytes).toBeLessThanOrEqual(1.1 * around(100).bytes);
    expect(plan).toMatchObject({ bytes: server.bytes, requests: server.requests });
    expect(server.log.every(({ range }) => /^bytes=\d+-\d+$/.test(range ?? ""))).toBe(true);
    expect(warnings).toEqual([]);
  });

  test("older than its file it is refused, with a warning", async () => {
    const { image, warnings } = await open(`old/${NAME}`);
    await expectPlane(image, 60);
    expect(warnings).toEqual([expect.stringContaining("older than its file")]);
  });

  test("without one there is one streamed pass, and what was passed takes its spans", async () => {
    const { image } = await open(`plain/${NAME}`);
    await image.read();
    const ofFile = requestsOf(NAME);
    expect(ofFile).toHaveLength(2);
    expect(ofFile.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(compressed.length);
    expect(requestsOf(".gzidx").map(({ status }) => status)).toEqual([404]);
    server.reset();
    await expectPlane(image, 60);
    expect(server.bytes).toBeLessThanOrEqual(1.1 * around(60).bytes);
  });

  describe("while the pass streams from a slow server", () => {
    const slowly = () => server.misbehave({ kind: "drip", bytes: 65536, everyMs: 5 });
    afterEach(() => server.behave());

    test("reads are answered as it comes to what they want, behind it and before it, by one request", async () => {
      const { image } = await open(`plain/${NAME}`, { gzipIndex: false });
      slowly();
      server.reset();
      const order: number[] = [];
      const planes = [110, 30, 31, 70].map(async (k) => {
        await expectPlane(image, k);
        order.push(k);
        return server.bytes;
      });
      const [, near] = await Promise.all(planes.slice(0, 2));
      expect(near).toBeLessThan(0.5 * compressed.length);
      await Promise.all(planes);
      expect(order).toEqual([30, 31, 70, 110]);
      expect(server.requests).toBe(1);
    });

    test("who leaves fails nobody; the last one ends the transfer, which later goes on from there", async () => {
      const { image } = await open(`plain/${NAME}`, { gzipIndex: false });
      slowly();
      server.reset();
      const [first, last] = [new AbortController(), new AbortController()];
      const far = [expectPlane(image, 118, first.signal), expectPlane(image, 119, last.signal)];
      await expectPlane(image, 10);
      first.abort("enough");
      await expect(far[0]).rejects.toBe("enough");
      await expectPlane(image, 40);
      // What has passed is read again beside the transfer, by a request of its own.
      await expectPlane(image, 5);
      expect(server.log.map(({ aborted }) => aborted)).toEqual([false, false]);
      last.abort("done");
      await expect(far[1]).rejects.toBe("done");
      await expect.poll(() => server.log[0]!.aborted).toBe(true);
      const { bytes } = server;
      expect(bytes).toBeLessThan(0.7 * compressed.length);
      server.behave();
      await expectPlane(image, 119);
      // On their way when it ended: what the connection held.
      expect(server.bytes).toBeLessThanOrEqual(compressed.length + (2 << 20));
      expect(server.requests).toBe(3);
    });
  });

  test("a server that denies what it does not have has no sidecar", async () => {
    const denying: typeof fetch = async (input, init) =>
      String(input).includes(".gzidx") ? new Response(null, { status: 403 }) : fetch(input, init);
    const warnings: string[] = [];
    const image = await openImage(`${server.url}plain/${NAME}`, {
      backends: [nifti],
      fetch: denying,
      readerOptions: { onWarning: (text: string) => warnings.push(text) },
    });
    await expectPlane(image, 5);
    expect(warnings).toEqual([]);
  });

  test("a file that is replaced has another ETag: its cached index is not used, nor are its spans mixed", async () => {
    const place = `replaced/${NAME}`;
    server.put(place, compressed);
    const kept = new Map<string, Uint8Array>();
    const gzipCache = {
      get: async (key: string) => kept.get(key) ?? null,
      set: async (key: string, bytes: Uint8Array) => void kept.set(key, bytes),
    };
    const far: Index = [0, null, null, 119];
    const isIndexed = (image: Image) => image.explain(far)!.bytes <= 1.1 * around(119).bytes;
    const openCached = async () => {
      const { image } = await open(place, { gzipCache, gzipIndex: false });
      await expectPlane(image, 10);
      return image;
    };
    await (await open(place, { gzipCache, gzipIndex: false })).image.read();
    await expect.poll(() => kept.size).toBe(1);
    expect([...kept.keys()][0]).toContain(`${server.url}${place}`);
    const indexed = await openCached();
    expect(isIndexed(indexed)).toBe(true);
    server.put(place, compressed.slice());
    await expect(indexed.read(far)).rejects.toMatchObject({ code: "ERR_CHANGED" });
    expect(isIndexed(await openCached())).toBe(false);
  });

  test("switched off, none is asked for; by URL, that one is", async () => {
    const { image } = await open(`indexed/${NAME}`, { gzipIndex: false });
    await expectPlane(image, 5);
    expect(requestsOf(".gzidx")).toEqual([]);
    const other = await open(`plain/${NAME}`, { gzipIndex: `${server.url}indexed/${NAME}.gzidx` });
    await expectPlane(other.image, 5);
    expect(new Set(requestsOf(".gzidx").map(({ status }) => status))).toEqual(new Set([206]));
    expect(other.warnings).toEqual([]);
  });
});

/** Most memory that a read takes in a process of its own, and the most that it may. */
async function peak(file: string, region: unknown): Promise<{ grown: number; limit: number }> {
  const script = fileURLToPath(new URL("fixtures/peak-gzip.mjs", import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    "--expose-gc",
    script,
    file,
    JSON.stringify(region),
  ]);
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

describe.runIf(existsSync("/proc/self/clear_refs"))(
  "memory beside output and index is at most 24 MiB",
  () => {
    let large: string;
    beforeAll(async () => {
      large = join(folder, "large.nii.gz");
      // 105 MB inside, of ten copies of what there is.
      const header = encodeNiftiHeader({ shape: [1, 256, 256, 800], dtype: "int16", affine: AFFINE });
      const body = new Uint8Array(voxels.buffer, voxels.byteOffset, 80 * PLANE);
      await writeFile(
        large,
        gzipSync(Buffer.concat([header, ...Array.from({ length: 10 }, () => body)]), { level: 1 }),
      );
    });
    const regions: [string, unknown][] = [
      ["an axial slice", [0, null, null, 700]],
      ["a sagittal slice", [0, 100]],
      ["a block", [0, { start: 50, stop: 114, step: null }, { start: 50, stop: 114, step: null }]],
      ["everything", [0]],
    ];
    for (const how of ["without a sidecar", "with one"]) {
      test.each(regions)(`${how}: %s`, async (_, region) => {
        if (how === "with one")
          await writeFile(`${large}.gzidx`, writeIndex(await buildIndex(fileSource(large))));
        let { grown, limit } = await peak(large, region);
        // On a busy machine the garbage collector comes late, which makes it more, and never less.
        for (let again = 0; again < 4 && grown > limit; again++)
          ({ grown, limit } = await peak(large, region));
        expect(grown).toBeLessThanOrEqual(limit);
      });
    }
  },
);
