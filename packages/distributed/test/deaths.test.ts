import { describe, expect, test } from "vitest";
import { Crew, KILLS } from "./crew.js";
import { kill } from "./processes.js";
import { hasRedis } from "./redis.js";

describe.skipIf(!hasRedis)("workers that count as dead after a second of silence", () => {
  const crew = new Crew({ size: 4, lease: 1000 });
  const { gate, workers } = crew;

  test(
    `kill -9 of a worker, ${KILLS} times: another does its work`,
    async () => {
      for (let n = 0; n < KILLS; n++) {
        const { outcome, left } = await crew.planPartly(`worker-${n}`);
        const victim = crew.holder();
        await kill(victim.child);
        workers.splice(workers.indexOf(victim), 1);
        gate.open();
        expect(await outcome, `${left} chunks were left`).toMatchObject({ code: 0, stderr: "" });
        await crew.check(`worker-${n}`);
        await crew.hire();
      }
    },
    150_000 * KILLS,
  );

  test(
    `kill -9 of Redis, ${KILLS} times: everybody waits and goes on`,
    async () => {
      for (let n = 0; n < KILLS; n++) {
        const { outcome, left } = await crew.planPartly(`redis-${n}`);
        // They go on while it is killed, and cannot come to the end.
        gate.let(Math.floor(Math.random() * left));
        await crew.redis.restart();
        gate.open();
        expect(await outcome, `${left} chunks were left`).toMatchObject({ code: 0, stderr: "" });
        await crew.check(`redis-${n}`);
      }
    },
    150_000 * KILLS,
  );

  test("one that was stopped and wakes up when all is done changes nothing", async () => {
    const { outcome } = await crew.planPartly("stopped");
    const sleeper = crew.holder();
    const before = sleeper.reports.length;
    sleeper.child.kill("SIGSTOP");
    gate.open(sleeper.child);
    expect(await outcome).toMatchObject({ code: 0, stderr: "" });
    sleeper.child.kill("SIGCONT");
    gate.open();
    await expect
      .poll(() => sleeper.reports.slice(before).map(({ error }) => error?.code))
      .toContain("ERR_IO");
    await crew.check("stopped");
  });

  test("a job that five of them die of has failed: it is told by its name, and all others are done", async () => {
    await Promise.all([crew.hire(), crew.hire()]);
    gate.deadly = (file) => /deadly.*\/0\/c\/3\//.test(file);
    const { code, stderr } = await crew.plan("deadly").outcome;
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toMatchObject({
      code: "ERR_PIECES",
      message: expect.stringMatching(/^1 of 10 jobs failed.*piece 0\/0\/48\/0\/0: 5 workers died .*resume/),
    });
    expect(workers.filter(({ child }) => child.signalCode === "SIGKILL")).toHaveLength(5);
    gate.deadly = undefined;
    expect(await crew.plan("deadly", { resume: true }).outcome).toMatchObject({ code: 0, stderr: "" });
    await crew.check("deadly");
  });
});
