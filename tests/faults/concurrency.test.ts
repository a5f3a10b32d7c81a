import { setTimeout as sleep } from "node:timers/promises";
import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { bytesSource } from "@lazyimg/byte-source";
import { type BackendRequest, defineBackend, type Index, type IndexItem, slice } from "@lazyimg/core";
import { countingSource } from "@lazyimg/testkit";
import { misbehavingServer } from "@lazyimg/testkit/server";
import { type Image, openImage } from "lazyimg";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { CONTAINERS, makeSample, type Sample, Scratch, writeSample } from "./support/sample.js";
import { expectVoxels } from "./support/voxels.js";

/** A thousand reads that overlap, many of them aborted: who stays gets its voxels, who leaves its own reason. */

const READS = 1000;
const scratch = new Scratch();
let sample: Sample;
const unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);

beforeAll(async () => {
  sample = await makeSample();
  await writeSample(sample, scratch.folder);
  process.on("unhandledRejection", note);
});
afterAll(() => {
  process.off("unhandledRejection", note);
  scratch.remove();
});
afterEach(async () => {
  await sleep(20);
  expect(unhandled).toEqual([]);
});

/** Numbers that look random and are the same each time. */
function numbers(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * most);
  };
}

function regionOf(random: (most: number) => number): Index {
  return sample.tensor.shape.map((size): IndexItem => {
    const first = random(size);
    if (random(3) === 0) return first;
    const step = [1, 1, 2, -1][random(4)]!;
    const last = first + step * (1 + random(12));
    return slice(first, last < 0 ? null : last, step);
  });
}

async function overlap(image: Image, seed: number): Promise<void> {
  const random = numbers(seed);
  const shared = new AbortController();
  const outcomes = await Promise.all(
    Array.from({ length: READS }, async (_, n) => {
      const own = new AbortController();
      const kind = random(4);
      const index = regionOf(random);
      const signal = kind === 0 ? own.signal : kind === 1 ? shared.signal : undefined;
      const delay = random(60);
      if (kind === 0 && delay < 5) own.abort(n);
      else if (kind === 0) setTimeout(() => own.abort(n), delay);
      if (n === READS >> 1) setTimeout(() => shared.abort("shared"), 25);
      try {
        const found = await image.read(index, { ...(signal && { signal }) });
        expectVoxels(found, sample.tensor.slice(index));
        return "voxels";
      } catch (error) {
        if (kind > 1 || error !== (kind === 0 ? n : "shared")) throw error;
        return "aborted";
      }
    }),
  );
  expect(outcomes.filter((outcome) => outcome === "voxels").length).toBeGreaterThanOrEqual(READS / 3);
  expect(outcomes).toContain("aborted");
  // And the image is as good as before.
  expectVoxels(await image.read(), sample.tensor);
}

describe("a thousand reads, with aborts", { timeout: 300_000 }, () => {
  test.each(CONTAINERS)("%s on disk", async (container) => {
    const image = await openImage(scratch.at(container));
    await overlap(image, 1);
    await image.close();
  });

  test.each(CONTAINERS)("%s on a server that stumbles", async (container) => {
    const server = await misbehavingServer(sample.files);
    const image = await openImage(server.url + container, { readerOptions: { retries: 5 } });
    server.misbehave({ kind: "reset", bytes: 1000 }, { times: 3, skip: 4 });
    await overlap(image, 2);
    await image.close();
    await server.close();
  });

  test.each(["scan.nii", "scan.nii.gz", "scan.zarr.zip"])("%s in memory", async (container) => {
    const bytes = sample.files[container]!;
    for (const source of [bytes, new Blob([bytes as BlobPart])]) {
      const image = await openImage(source, { name: container });
      await overlap(image, 3);
      await image.close();
    }
  });

  test("a Zarr store that answers when it likes", async () => {
    const prefix = "scan.zarr";
    const random = numbers(9);
    const store = {
      async get(key: string): Promise<Uint8Array | undefined> {
        await sleep(random(5));
        return sample.files[prefix + key];
      },
    };
    const image = await openImage(store);
    await overlap(image, 4);
    await image.close();
  });

  test("a tensor, and a lazy reader", async () => {
    await overlap(await openImage(sample.tensor), 5);
    const reader = {
      createBackend: (_: BackendRequest) => {
        const { read } = tensorBackend(sample.tensor);
        return defineBackend({
          ...{ shape: sample.tensor.shape, dtype: "int16", affine: tensorBackend(sample.tensor).affine },
          async readRegion(range, { signal }) {
            await sleep(1);
            signal?.throwIfAborted();
            return (await read(range.map(({ start, size }) => slice(start, start + size)))).copy();
          },
        });
      },
    };
    await overlap(await openImage(reader), 6);
  });

  test.each(CONTAINERS)(
    "%s: closed amid them, the rest is ERR_CLOSED and nothing else",
    async (container) => {
      const warn = vi.spyOn(console, "warn");
      const image = await openImage(scratch.at(container));
      const random = numbers(7);
      let closing: Promise<void> | undefined;
      const outcomes = Array.from({ length: 200 }, async (_, n) => {
        const index = regionOf(random);
        // Some come when others have been read.
        if (n % 10 === 0) await sleep(n / 20);
        return image.read(index).then(
          (found) => {
            expectVoxels(found, sample.tensor.slice(index));
            closing ??= image.close();
            return "voxels";
          },
          (error) => {
            expect(error).toMatchObject({ code: "ERR_CLOSED" });
            return "closed";
          },
        );
      });
      expect(await Promise.all(outcomes)).toContain("voxels");
      await closing;
      await expect(image.read(0)).rejects.toMatchObject({ code: "ERR_CLOSED" });
      expect(warn).not.toHaveBeenCalled();
      warn.mockRestore();
    },
  );
});

describe("what several want at once is fetched once", () => {
  const AT_ONCE = 200;

  test("the chunks of a Zarr store", async () => {
    const asked: string[] = [];
    const store = {
      async get(key: string): Promise<Uint8Array | undefined> {
        asked.push(key);
        await sleep(5);
        return sample.files[`scan.zarr${key}`];
      },
    };
    const image = await openImage(store);
    asked.length = 0;
    const leaving = new AbortController();
    const reads = Array.from({ length: AT_ONCE }, (_, n) =>
      image.read([0, n % 16, null, 3], n % 3 === 0 ? { signal: leaving.signal } : {}),
    );
    setTimeout(() => leaving.abort("left"), 2);
    const settled = await Promise.allSettled(reads);
    for (const [n, one] of settled.entries()) {
      if (one.status === "fulfilled") expectVoxels(one.value, sample.tensor.slice([0, n % 16, null, 3]));
      else expect([one.reason, n % 3]).toEqual(["left", 0]);
    }
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked).toHaveLength(3); // of 16 rows along J, 36 voxels
    await image.close();
  });

  test("the pass through a gzipped file", async () => {
    const bytes = sample.files["scan.nii.gz"]!;
    const source = countingSource(bytesSource(bytes, { name: "scan.nii.gz" }));
    const image = await openImage(source);
    const leaving = new AbortController();
    const reads = Array.from({ length: AT_ONCE }, (_, n) =>
      image.read([1, null, null, n % 30], n % 3 === 0 ? { signal: leaving.signal } : {}),
    );
    setTimeout(() => leaving.abort("left"), 2);
    for (const [n, one] of (await Promise.allSettled(reads)).entries()) {
      if (one.status === "fulfilled") expectVoxels(one.value, sample.tensor.slice([1, null, null, n % 30]));
      else expect([one.reason, n % 3]).toEqual(["left", 0]);
    }
    // Its header was read when it was opened.
    expect(source.bytes).toBeLessThanOrEqual(bytes.length + 32_768);
    await image.close();
  });

  test("the voxels that load() keeps, and the beginning that tells the format", async () => {
    const source = countingSource(sample.files["scan.nii"]!);
    const image = await openImage(source);
    const opened = source.requests;
    const leaving = new AbortController();
    const loads = Array.from({ length: AT_ONCE }, (_, n) =>
      image.load(n % 3 === 0 ? { signal: leaving.signal } : {}),
    );
    leaving.abort("left");
    const settled = await Promise.allSettled(loads);
    const tensors = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    expect(tensors).toHaveLength(AT_ONCE - Math.ceil(AT_ONCE / 3));
    expect(new Set(tensors).size).toBe(1);
    expectVoxels(tensors[0]!, sample.tensor);
    expect(opened).toBeLessThanOrEqual(2);
    expect(source.bytes).toBeLessThanOrEqual(sample.files["scan.nii"]!.length + 2 * 4096);
    await image.close();
  });
});
