import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { zarrStore } from "@lazyimg/backend-zarr/backend";
import { writeNiftiZarr, type ZarrCodec } from "@lazyimg/backend-zarr/write";
import { createRequest, IDENTITY, type ImageDataBackend, Tensor } from "@lazyimg/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

/** Reads of many chunks, which are decoded in Workers too. */

const SHAPE = [1, 256, 256, 160] as const;
const data = Int16Array.from({ length: 256 * 256 * 160 }, (_, n) => (n % 251) + (n >> 12));
const tensor = new Tensor({ data, dtype: "int16", shape: SHAPE });

async function written(codec: ZarrCodec, shard?: number): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  await writeNiftiZarr(tensorBackend(tensor, IDENTITY), files, { chunk: 32, levels: 1, codec, shard });
  return files;
}
const open = async (files: Map<string, Uint8Array>): Promise<ImageDataBackend> =>
  // Kept chunks would be decoded once.
  (await zarrStore.open(createRequest(files, { readerOptions: { cacheBytes: 0 } }), {}))!;

/** The Workers that were started, with what they answered. */
const started: { readonly worker: Worker; answers: number; ended: boolean }[] = [];
const Real = Worker;

/** Workers are for all processors but one, so that a machine with one has none. */
const PROCESSORS = 3;
Object.defineProperty(navigator, "hardwareConcurrency", { get: () => PROCESSORS });

beforeEach(() => {
  started.length = 0;
  vi.stubGlobal(
    "Worker",
    class extends Real {
      readonly #told = { worker: this, answers: 0, ended: false };
      constructor(url: URL, options: WorkerOptions) {
        super(url, options);
        started.push(this.#told);
        this.addEventListener("message", ({ data }) => {
          if ("memory" in data) this.#told.answers++;
        });
      }
      override terminate(): void {
        this.#told.ended = true;
        super.terminate();
      }
    },
  );
});
const ended = () => started.every((worker) => worker.ended);
afterEach(async () => {
  await expect.poll(ended).toBe(true);
  vi.unstubAllGlobals();
});

/** Ten million values: `toEqual` would take minutes. */
function expectVoxels(found: Tensor): void {
  const values = found.copy("C").data;
  expect(values.length).toBe(data.length);
  expect(data.findIndex((value, n) => value !== values[n])).toBe(-1);
}

/** Much is read at once, which is worth Workers. They take a while to start: reads until they had a part. */
async function readTogether(image: ImageDataBackend): Promise<Tensor> {
  for (;;) {
    const [whole] = await Promise.all([1, 2, 3, 4].map(() => image.toTensor()));
    if (started.some(({ answers }) => answers > 0)) return whole!;
  }
}

describe.each([
  ["blosc", undefined],
  ["zstd", undefined],
  ["gzip", 64],
] as const)("%s, shards of %s", (codec, shard) => {
  it("has the same voxels, and closing ends the Workers", async () => {
    const image = await open(await written(codec, shard));
    const whole = await readTogether(image);
    expect(started.length).toBeLessThan(PROCESSORS);
    expect(ended()).toBe(false);
    expectVoxels(whole);
    await image.close!();
    await expect.poll(ended).toBe(true);
  });
});

it("starts none for a small read", async () => {
  const image = await open(await written("blosc"));
  await image.read([0, 100]);
  expect(started).toEqual([]);
  await image.close!();
});

it("leaves the Workers to an image that is open still", async () => {
  const files = await written("blosc");
  const [first, second] = [await open(files), await open(files)];
  await readTogether(first);
  await readTogether(second);
  await first.close!();
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(ended()).toBe(false);
  expect((await second.toTensor()).at(0, 9, 8, 7)).toBe(tensor.at(0, 9, 8, 7));
  await second.close!();
});

it("rejects with the signal's reason, and reads on", async () => {
  const image = await open(await written("blosc"));
  await readTogether(image);
  const reason = new Error("no longer");
  const controller = new AbortController();
  const aborted = image.toTensor({ signal: controller.signal, onProgress: () => controller.abort(reason) });
  const other = image.toTensor();
  await expect(aborted).rejects.toBe(reason);
  expectVoxels(await other);
  await image.close!();
});

it("tells of a damaged chunk by its key", async () => {
  const files = await written("zstd");
  const keys = [...files.keys()].filter((key) => key.startsWith("/0/c/"));
  for (const key of keys) files.set(key, files.get(key)!.subarray(0, 40));
  const image = await open(files);
  for (let n = 0; n < 3; n++) {
    await expect(image.toTensor()).rejects.toMatchObject({
      name: "LazyImageError",
      message: expect.stringMatching(/0\/c\/0\//),
    });
  }
  await image.close!();
});

it("decodes here what a Worker that ended has left", async () => {
  const image = await open(await written("blosc"));
  await readTogether(image);
  const reading = image.toTensor();
  // As the browser does when memory is short.
  for (const { worker } of started) worker.dispatchEvent(new ErrorEvent("error", { cancelable: true }));
  expectVoxels(await reading);
  await image.close!();
});
