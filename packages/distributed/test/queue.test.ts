import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Crew, JOBS, KILLS, ROW } from "./crew.js";
import { differences } from "./processes.js";
import { hasRedis } from "./redis.js";

describe.skipIf(!hasRedis)("a queue and four workers", () => {
  const crew = new Crew({ size: 4 });
  const { gate, workers } = crew;

  test("write what one process writes, byte for byte, and share the work", async () => {
    gate.let(0);
    const { outcome } = crew.plan("shared");
    // Each has a job.
    await gate.held(4);
    gate.open();
    expect(await outcome).toMatchObject({ code: 0, stderr: "" });
    await expect.poll(() => crew.done).toHaveLength(JOBS);
    expect(new Set(crew.done).size).toBe(JOBS);
    for (const { reports } of workers) expect(reports).not.toEqual([]);
    await crew.check("shared");
    const ours = /^(lazyimg:|bull:lazyimg:[0-9a-f]{32})/;
    const left = async () => (await crew.redis.client.keys("*")).filter((key) => ours.test(key));
    await expect.poll(left).toEqual([]);
  });

  test.each([
    { shard: 32, levels: 2 },
    { zarrFormat: 2, codec: "blosc", jobBytes: 1 << 20 },
  ] as const)("with %o too", async ({ ...options }) => {
    const name = Object.keys(options).join("-");
    const expected = await crew.alone(`${name}-alone`, options);
    expect(await crew.plan(name, options).outcome).toMatchObject({ code: 0, stderr: "" });
    expect(differences(crew.output(name), new Map(expected))).toEqual([]);
  });

  test("an interruption keeps what is done, and takes the rest from the queue", async () => {
    const before = crew.done.length;
    const { child, outcome } = await crew.planUntil("interrupted", 6 * ROW);
    // Four hands hold four rows, of which a chunk is missing: two or more are complete.
    const done = () => crew.done.slice(before);
    await expect.poll(() => done().length).toBeGreaterThan(1);
    child.kill("SIGINT");
    expect((await outcome).stderr).toContain("interrupted");
    expect(existsSync(crew.output("interrupted"))).toBe(false);
    expect(await crew.redis.client.llen("bull:lazyimg:wait")).toBe(0);
    gate.open();
    // What was begun is ended.
    await expect.poll(() => crew.redis.client.llen("bull:lazyimg:active")).toBe(0);
    const other = await crew.plan("interrupted", { compressionLevel: 8, resume: true }).outcome;
    expect(JSON.parse(other.stderr)).toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    expect(await crew.plan("interrupted", { resume: true }).outcome).toMatchObject({ code: 0, stderr: "" });
    await expect.poll(() => done().length).toBe(JOBS);
    expect(new Set(done()).size).toBe(JOBS);
    await crew.check("interrupted");
  });

  test("two planners of one output: the second is refused", async () => {
    const first = await crew.planUntil("twice", 0);
    const others = [{}, { resume: true }, { force: true }].map((more) => crew.plan("twice", more).outcome);
    for (const { code, stderr } of await Promise.all(others)) {
      expect(code).toBe(1);
      expect(JSON.parse(stderr)).toMatchObject({ code: "ERR_EXISTS" });
    }
    gate.open();
    expect(await first.outcome).toMatchObject({ code: 0, stderr: "" });
    await crew.check("twice");
  });

  test(
    `kill -9 of the planner, ${KILLS} times: resume does what is missing`,
    async () => {
      for (let n = 0; n < KILLS; n++) {
        const name = `planner-${n}`;
        const { child, outcome, left } = await crew.planPartly(name);
        child.kill("SIGKILL");
        await outcome;
        expect(existsSync(crew.output(name)), `${left} chunks are left`).toBe(false);
        gate.open();
        expect(await crew.plan(name, { resume: true }).outcome).toMatchObject({ code: 0, stderr: "" });
        await crew.check(name);
      }
    },
    150_000 * KILLS,
  );

  test("a Redis that forgets everything is told again what is not done", async () => {
    const { outcome } = await crew.planPartly("forgotten");
    await crew.redis.client.flushall();
    gate.open();
    expect(await outcome).toMatchObject({ code: 0, stderr: "" });
    await crew.check("forgotten");
  });
});
