import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import "@lazyimg/backend-nifti";
import { writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { openImage } from "@lazyimg/image";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  differences,
  kill,
  LEASE,
  startPlanner,
  startWorker,
  tree,
  type WorkerProcess,
  writeNoise,
} from "./processes.js";
import { hasRedis, type RedisServer, startRedis } from "./redis.js";

/** Workers are processes, and the queue is a Redis. Twenty kills of each kind: LAZYIMG_QUEUE_KILLS=20. */
const KILLS = Number(process.env.LAZYIMG_QUEUE_KILLS ?? 2);
const POLL = { interval: 5, timeout: 20_000 };
const OPTIONS = { chunk: 16, codec: "gzip", levels: 3 } as const;

describe.skipIf(!hasRedis)("a queue and four workers", () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "lazyimg-queue-")));
  const source = join(folder, "noise.nii");
  let redis: RedisServer;
  let workers: WorkerProcess[];
  let expected: Map<string, Buffer>;
  /** How long a conversion takes, once everybody is there. */
  let took: number;
  const output = (name: string): string => join(folder, `${name}.zarr`);
  const plan = (name: string, options: object = {}) => startPlanner(redis.url, source, output(name), options);

  /** Rows of chunks that have been begun. */
  const rows = (name: string): number => {
    const folder = join(`${output(name)}.partial`, "0", "c");
    return existsSync(folder) ? readdirSync(folder).length : 0;
  };

  /** A conversion that must be right, and leave nothing but its output. */
  async function checkOutput(name: string): Promise<void> {
    expect(differences(output(name), expected)).toEqual([]);
    expect(readdirSync(folder).filter((entry) => entry.startsWith(`${name}.`))).toEqual([`${name}.zarr`]);
    await rm(output(name), { recursive: true });
  }

  beforeAll(async () => {
    writeNoise(source, [112, 112, 160]);
    redis = await startRedis(folder);
    workers = await Promise.all([0, 1, 2, 3].map(() => startWorker(redis.url, [folder])));
    const image = await openImage(source);
    await writeNiftiZarr(image.dataobj, output("single"), OPTIONS);
    await image.close();
    expected = tree(output("single"));
  });
  afterAll(async () => {
    await Promise.all(workers.map(({ child }) => kill(child)));
    await redis.stop();
    rmSync(folder, { recursive: true });
  });

  test("write what one process writes, byte for byte, and share the work", async () => {
    const begun = Date.now();
    expect(await plan("shared").outcome).toMatchObject({ code: 0, stderr: "" });
    took = Date.now() - begun;
    const shares = workers.map(({ reports }) => reports.length);
    // Rows of chunks of three levels.
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(10 + 5 + 3);
    expect(Math.min(...shares)).toBeGreaterThan(0);
    await checkOutput("shared");
    const keys = await redis.client.keys("*");
    expect(keys.filter((key) => key.startsWith("lazyimg:"))).toEqual([]);
    expect(keys.filter((key) => /^bull:lazyimg:[0-9a-f]{32}/.test(key))).toEqual([]);
  });

  test.each([
    { shard: 32, levels: 2 },
    { zarrFormat: 2, codec: "blosc", jobBytes: 1 << 20 },
  ] as const)("with %o too", async ({ ...options }) => {
    const image = await openImage(source);
    const name = Object.keys(options).join("-");
    await writeNiftiZarr(image.dataobj, output(`${name}-single`), { ...OPTIONS, ...options });
    await image.close();
    expect(await plan(name, options).outcome).toMatchObject({ code: 0, stderr: "" });
    expect(differences(output(name), tree(output(`${name}-single`)))).toEqual([]);
  });

  test(
    `kill -9 of a worker, ${KILLS} times: another does its work`,
    async () => {
      for (let n = 0; n < KILLS; n++) {
        const { outcome } = plan(`worker-${n}`);
        await sleep(took * (0.3 + 0.7 * Math.random()));
        const victim = Math.floor(Math.random() * workers.length);
        await kill(workers[victim]!.child);
        workers[victim] = await startWorker(redis.url, [folder]);
        expect(await outcome).toMatchObject({ code: 0, stderr: "" });
        await checkOutput(`worker-${n}`);
      }
    },
    30_000 * KILLS,
  );

  test(
    `kill -9 of the planner, ${KILLS} times: resume does what is missing`,
    async () => {
      let missing = 0;
      for (let n = 0; n < KILLS; n++) {
        const { child, outcome } = plan(`planner-${n}`);
        await sleep(took * (0.3 + 0.7 * Math.random()));
        child.kill("SIGKILL");
        await outcome;
        if (!existsSync(output(`planner-${n}`))) {
          missing++;
          expect(await plan(`planner-${n}`, { resume: true }).outcome).toMatchObject({ code: 0, stderr: "" });
        }
        await checkOutput(`planner-${n}`);
      }
      expect(missing).toBeGreaterThan(0);
    },
    30_000 * KILLS,
  );

  test(
    `kill -9 of Redis, ${KILLS} times: everybody waits and goes on`,
    async () => {
      for (let n = 0; n < KILLS; n++) {
        const { outcome } = plan(`redis-${n}`);
        await expect.poll(() => existsSync(`${output(`redis-${n}`)}.partial`), POLL).toBe(true);
        await sleep(took * 0.5 * Math.random());
        await redis.restart();
        expect(await outcome).toMatchObject({ code: 0, stderr: "" });
        await checkOutput(`redis-${n}`);
      }
    },
    60_000 * KILLS,
  );

  test("a Redis that forgets everything is told again what is not done", async () => {
    const { outcome } = plan("forgotten");
    await expect.poll(() => rows("forgotten"), POLL).toBeGreaterThan(2);
    await redis.client.flushall();
    expect(await outcome).toMatchObject({ code: 0, stderr: "" });
    await checkOutput("forgotten");
  });

  test("a worker that was stopped and wakes up when all is done changes nothing", async () => {
    const before = workers.map(({ reports }) => reports.length);
    const { outcome } = plan("stopped");
    const busy = (): WorkerProcess | undefined =>
      workers.find(({ reports }, n) => reports.length > before[n]!);
    await expect.poll(busy, POLL).toBeDefined();
    const sleeper = busy()!;
    sleeper.child.kill("SIGSTOP");
    expect(await outcome).toMatchObject({ code: 0, stderr: "" });
    sleeper.child.kill("SIGCONT");
    await sleep(2 * LEASE);
    await checkOutput("stopped");
  });

  test("two planners of one output: the second is refused", async () => {
    for (const { child } of workers) child.kill("SIGSTOP");
    const first = plan("twice");
    await expect.poll(() => existsSync(`${output("twice")}.partial`), POLL).toBe(true);
    const others = [{}, { resume: true }, { force: true }].map((options) => plan("twice", options).outcome);
    for (const { code, stderr } of await Promise.all(others)) {
      expect(code).toBe(1);
      expect(JSON.parse(stderr)).toMatchObject({ code: "ERR_EXISTS" });
    }
    for (const { child } of workers) child.kill("SIGCONT");
    expect(await first.outcome).toMatchObject({ code: 0, stderr: "" });
    await checkOutput("twice");
  });

  test("an interruption keeps what is done, and takes the rest from the queue", async () => {
    const { child, outcome } = plan("interrupted", { compressionLevel: 9 });
    await expect.poll(() => rows("interrupted"), POLL).toBeGreaterThan(2);
    child.kill("SIGINT");
    expect((await outcome).stderr).toContain("interrupted");
    expect(existsSync(output("interrupted"))).toBe(false);
    expect(await redis.client.llen("bull:lazyimg:wait")).toBe(0);
    const other = await plan("interrupted", { compressionLevel: 8, resume: true }).outcome;
    expect(JSON.parse(other.stderr)).toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    const before = workers.reduce((sum, { reports }) => sum + reports.length, 0);
    expect(await plan("interrupted", { compressionLevel: 9, resume: true }).outcome).toMatchObject({
      code: 0,
    });
    const after = workers.reduce((sum, { reports }) => sum + reports.length, 0);
    expect(after - before).toBeLessThanOrEqual(18 - 2);
    rmSync(output("interrupted"), { recursive: true });
  });
});
