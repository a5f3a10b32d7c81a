import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import "@lazyimg/backend-nifti";
import { mapRegions, type RegionValue } from "@lazyimg/distributed";
import { openImage } from "@lazyimg/image";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kill, startWorker, type WorkerProcess, writeNoise } from "./processes.js";
import { hasRedis, type RedisServer, startRedis } from "./redis.js";
import sums from "./sums.mjs";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "lazyimg-regions-")));
const source = join(folder, "noise.nii");
const module = fileURLToPath(new URL("sums.mjs", import.meta.url));
const division = { size: [16, 20, 24], halo: 3 } as const;
writeNoise(source, [40, 41, 50], 2);
afterAll(() => rmSync(folder, { recursive: true }));

interface Sums {
  readonly sum: number;
  readonly sizes: readonly number[];
  readonly corner: readonly number[];
  readonly options: unknown;
}
type Values = RegionValue<Sums>[];

const collect = async (values: AsyncIterable<RegionValue<Sums>>): Promise<Values> => {
  const all: Values = [];
  for await (const value of values) all.push(value);
  const place = ({ start: [i, j, k] }: RegionValue<Sums>): number => (k * 1000 + j) * 1000 + i;
  return all.sort((a, b) => place(a) - place(b));
};

test("regions cover the image once, with a halo as far as it goes, and know where they are", async () => {
  const values = await collect(mapRegions<Sums>(source, division, sums));
  expect(values).toHaveLength(3 * 3 * 3);
  const image = await openImage(source);
  const { data } = (await image.load()).contiguous();
  const whole = [...(data as Int16Array)].reduce((a, b) => a + b, 0);
  expect(values.reduce((sum, { value }) => sum + value.sum, 0)).toBe(whole);
  const [first, second] = values as [RegionValue<Sums>, RegionValue<Sums>];
  expect(first).toMatchObject({ start: [0, 0, 0], stop: [16, 20, 24], value: { sizes: [19, 23, 27] } });
  expect(second).toMatchObject({ start: [16, 0, 0], stop: [32, 20, 24], value: { sizes: [22, 23, 27] } });
  expect(values.at(-1)).toMatchObject({
    start: [32, 40, 48],
    stop: [40, 41, 50],
    value: { sizes: [11, 4, 5] },
  });
  expect(second.value.corner).toEqual(image.voxelToWorld([13, 0, 0]));
  expect(values.at(-1)!.value.corner).toEqual(image.voxelToWorld([29, 37, 45]));
  await image.close();
});

test("a region's function may be a module's, in threads: the values are the same", async () => {
  const here = await collect(mapRegions<Sums>(source, division, (region) => sums(region, { n: 1 })));
  const options = { n: 1 };
  expect(await collect(mapRegions<Sums>(source, division, { module, options, threads: 3 }))).toEqual(here);
  expect(
    await collect(mapRegions<Sums>(source, division, { module: pathToFileURL(module), options })),
  ).toEqual(here);
});

test("what fails ends it, and so does an abort", async () => {
  const options = { fail: "16,0,0" };
  await expect(collect(mapRegions(source, division, { module, options }))).rejects.toThrow(
    "no sum of 16,0,0",
  );
  await expect(collect(mapRegions(source, division, (region) => sums(region, options)))).rejects.toThrow(
    "no sum of 16,0,0",
  );
  await expect(
    collect(mapRegions(source, division, { module: join(folder, "missing.mjs") })),
  ).rejects.toThrow("missing.mjs");
  const controller = new AbortController();
  const reason = new Error("enough");
  for (const worker of [{ module }, () => 1]) {
    controller.abort(reason);
    const aborted = collect(mapRegions(source, { ...division, signal: controller.signal }, worker as never));
    await expect(aborted).rejects.toBe(reason);
  }
});

test.each([{ size: 0 }, { size: [1, 2] }, { size: 1.5 }, { size: 8, halo: -1 }])(
  "%j is refused",
  async (bad) => {
    await expect(collect(mapRegions(source, bad as never, sums))).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
  },
);

describe.skipIf(!hasRedis)("on a queue", () => {
  let redis: RedisServer;
  let workers: WorkerProcess[];
  const hire = async (lease?: number): Promise<void> => {
    const setting = { modules: [module], lease };
    workers = await Promise.all([0, 1].map(() => startWorker(redis.url, [folder], setting)));
  };
  const dismiss = () => Promise.all(workers.map(({ child }) => kill(child)));
  beforeAll(async () => {
    redis = await startRedis(folder);
    await hire();
  });
  afterAll(async () => {
    await dismiss();
    await redis.stop();
  });
  const here = (options: object): Promise<Values> =>
    collect(mapRegions<Sums>(source, division, (region) => sums(region, options)));
  const shared = (options: object): Promise<Values> =>
    collect(mapRegions<Sums>(source, division, { module, options, queue: redis.url }));

  test("the values are the same", async () => {
    const options = { n: 1 };
    expect(await shared(options)).toEqual(await here(options));
    expect(await redis.client.keys("lazyimg:*")).toEqual([]);
  });

  test("what fails is tried three times", async () => {
    await expect(shared({ fail: "16,0,0" })).rejects.toMatchObject({
      code: "ERR_PIECES",
      message: expect.stringContaining("no sum of 16,0,0"),
    });
    const failures = () =>
      workers.flatMap(({ reports }) => reports.filter(({ error }) => error !== undefined));
    await expect.poll(failures).toHaveLength(3);
  });

  test("an image is a path or a URL there", async () => {
    const image = await openImage(source);
    const tensor = await image.load();
    await image.close();
    const failing = collect(mapRegions(tensor, division, { module, queue: redis.url }));
    await expect(failing).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });

  test("a worker that dies of a region changes nothing", async () => {
    await dismiss();
    // Patient workers have said there when to look for the dead next.
    await redis.client.flushall();
    await hire(1000);
    const options = { die: "16,20,0", once: join(folder, "deadly") };
    const expected = await here(options);
    writeFileSync(options.once, "");
    expect(await shared(options)).toEqual(expected);
    expect(workers.map(({ child }) => child.signalCode).sort()).toEqual(["SIGKILL", null]);
  });
});
