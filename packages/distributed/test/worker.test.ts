import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import "@lazyimg/backend-nifti";
import { writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { convertOnQueue, openQueue, runWorker } from "@lazyimg/distributed";
import { openImage } from "@lazyimg/image";
import { misbehavingServer } from "@lazyimg/testkit/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Gate } from "./gate.js";
import {
  differences,
  kill,
  startPlanner,
  startWorker,
  tree,
  type WorkerProcess,
  writeNoise,
} from "./processes.js";
import { hasRedis, type RedisServer, startRedis } from "./redis.js";

const SUMS = fileURLToPath(new URL("sums.mjs", import.meta.url));

describe.skipIf(!hasRedis)("a worker", () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "lazyimg-worker-")));
  const allowed = join(folder, "allowed");
  mkdirSync(allowed);
  const source = join(allowed, "noise.nii");
  let redis: RedisServer;
  const gate = new Gate();
  let worker: WorkerProcess;
  /** The one worker, which may use a server too. */
  async function hire(...urls: string[]): Promise<void> {
    worker = await startWorker(redis.url, [allowed, ...urls], { modules: [SUMS], gate });
  }
  /** Kills it, once it has nothing under way that others would wait for. */
  async function dismiss(): Promise<void> {
    await expect.poll(() => redis.client.llen("bull:lazyimg:active")).toBe(0);
    await kill(worker.child);
  }
  beforeAll(async () => {
    writeNoise(source, [40, 40, 96]);
    redis = await startRedis(folder);
    await hire();
  });
  afterAll(async () => {
    await kill(worker.child);
    await redis.stop();
    rmSync(folder, { recursive: true });
  });

  /** What the worker says of a job that somebody has put on the queue by hand. */
  async function reportOf(data: unknown): Promise<WorkerProcess["reports"][number]> {
    const queue = await openQueue(redis.url);
    const jobId = `by-hand-${Math.random().toString(36).slice(2)}`;
    await queue.jobs.add("convert", data as never, { jobId, attempts: 1000, removeOnFail: true });
    await queue.close();
    await expect.poll(() => worker.reports.map(({ job }) => job)).toContain(jobId);
    return worker.reports.find(({ job }) => job === jobId)!;
  }

  /** Chunks of a row of them. */
  const ROW = 3 * 3;
  const run = "0123456789abcdef0123456789abcdef";
  const convert = (more: object) => ({
    kind: "convert",
    run,
    plan: run,
    source,
    output: join(allowed, "out.zarr"),
    writing: { chunk: 16 },
    first: 0,
    count: 1,
    ...more,
  });
  const map = (more: object) => ({
    kind: "map",
    run,
    source,
    module: SUMS,
    options: null,
    size: [8, 8, 8],
    halo: [0, 0, 0],
    region: 0,
    ...more,
  });

  test.each([
    ["ERR_NOT_ALLOWED", convert({ source: "/etc/passwd" })],
    ["ERR_NOT_ALLOWED", convert({ source: `${allowed}/../secret.nii` })],
    ["ERR_NOT_ALLOWED", convert({ source: "http://127.0.0.1/latest/meta-data" })],
    ["ERR_NOT_ALLOWED", convert({ output: join(folder, "out.zarr") })],
    ["ERR_NOT_ALLOWED", convert({ output: "s3://bucket/out.zarr" })],
    ["ERR_NOT_ALLOWED", map({ source: "/etc/passwd" })],
    ["ERR_NOT_ALLOWED", map({ module: fileURLToPath(new URL("worker.mjs", import.meta.url)) })],
    ["ERR_NOT_ALLOWED", map({ module: "data:text/javascript,process.exit()" })],
    ["ERR_NOT_ALLOWED", map({ module: "node:fs" })],
    ["ERR_INDEX", map({ region: 1_000_000 })],
    ["ERR_INVALID_ARGUMENT", convert({ kind: "remove" })],
    ["ERR_INVALID_ARGUMENT", convert({ run: "../../x" })],
    ["ERR_INVALID_ARGUMENT", convert({ first: -1 })],
    ["ERR_INVALID_ARGUMENT", convert({ writing: { chunk: 1e9 } })],
    ["ERR_INVALID_ARGUMENT", convert({ writing: { force: true } })],
    ["ERR_INVALID_ARGUMENT", convert({ readerOptions: { s3: { endpoint: "http://evil.org" } } })],
    ["ERR_INVALID_ARGUMENT", convert({ source: { path: source } })],
    ["ERR_INVALID_ARGUMENT", map({ size: [0, 8, 8] })],
    ["ERR_INVALID_ARGUMENT", convert({ "\u001b[2J": 1 })],
    ["ERR_INVALID_ARGUMENT", null],
    ["ERR_INVALID_ARGUMENT", []],
    ["ERR_INVALID_ARGUMENT", "convert"],
  ])("%s: %j, and does nothing", async (code, data) => {
    const report = await reportOf(data);
    expect(report).toMatchObject({ error: { code } });
    expect(report.error!.message).not.toMatch(/\p{Cc}/u);
    expect(existsSync(join(allowed, "out.zarr"))).toBe(false);
    expect(existsSync(join(allowed, "out.zarr.partial"))).toBe(false);
  });

  test("passes by what belongs to no run", async () => {
    expect((await reportOf(convert({}))).error).toBeUndefined();
    expect(existsSync(join(allowed, "out.zarr.partial"))).toBe(false);
  });

  test("does not write a source that is another one here", async () => {
    const [changed, output] = [join(allowed, "changed.nii"), join(allowed, "changed.zarr")];
    copyFileSync(source, changed);
    const image = await openImage(changed);
    writeNoise(changed, [40, 40, 95]);
    const queue = await openQueue(redis.url);
    const failing = convertOnQueue(queue, { source: changed, image: image.dataobj, output }, { chunk: 16 });
    await expect(failing).rejects.toMatchObject({
      code: "ERR_PIECES",
      message: expect.stringContaining("other"),
    });
    await image.close();
    await queue.close();
    expect(existsSync(output)).toBe(false);
  });

  test("tries what cannot be read three times; the rest is done, and resume does what is missing", async () => {
    const [poisoned, output] = [join(allowed, "poisoned.nii.zarr"), join(allowed, "out-of-it.zarr")];
    const image = await openImage(source);
    await writeNiftiZarr(image.dataobj, poisoned, { chunk: 16, levels: 1 });
    await writeNiftiZarr(image.dataobj, join(folder, "single.zarr"), { chunk: 16, codec: "gzip", levels: 3 });
    await image.close();
    const chunk = join(poisoned, "0", "c", "2", "1", "1");
    const bytes = readFileSync(chunk);
    writeFileSync(chunk, bytes.subarray(0, bytes.length / 2));
    const before = worker.reports.length;
    const failing = await startPlanner(redis.url, poisoned, output).outcome;
    expect(JSON.parse(failing.stderr)).toMatchObject({
      code: "ERR_PIECES",
      message: expect.stringMatching(/^1 of 6 jobs failed.*piece 0\/0\/32\/0\/0: .*resume/),
    });
    expect(existsSync(output)).toBe(false);
    const reports = () => worker.reports.slice(before);
    await expect.poll(reports).toHaveLength(5 + 3);
    const tries = reports().filter(({ error }) => error !== undefined);
    expect(tries.map(({ again }) => again)).toEqual([true, true, false]);
    writeFileSync(chunk, bytes);
    expect(await startPlanner(redis.url, poisoned, output, { resume: true }).outcome).toMatchObject({
      code: 0,
      stderr: "",
    });
    // The row that was missing, and both coarser levels.
    await expect.poll(reports).toHaveLength(5 + 3 + 1 + 3 + 2);
    expect(differences(output, tree(join(folder, "single.zarr")))).toEqual([]);
  });

  test("reads from servers that it was started for, by ranges", async () => {
    const server = await misbehavingServer({ "noise.nii": readFileSync(source) });
    const output = join(allowed, "remote.zarr");
    const url = `${server.url}noise.nii`;
    try {
      const refused = await startPlanner(redis.url, url, output).outcome;
      expect(refused.stderr).toContain("ERR_NOT_ALLOWED");
      await dismiss();
      await hire(server.url);
      const { bytes } = server;
      expect(await startPlanner(redis.url, url, output, { resume: true }).outcome).toMatchObject({ code: 0 });
      const { size } = statSync(source);
      expect(server.bytes - bytes).toBeLessThan(1.1 * size + 20_000);
      expect(differences(output, tree(join(folder, "single.zarr")))).toEqual([]);
    } finally {
      await server.close();
    }
  });

  test("jobs say where, and nothing that is secret", async () => {
    await dismiss();
    const { child, outcome } = startPlanner(redis.url, source, join(allowed, "seen.zarr"));
    const queue = await openQueue(redis.url);
    await expect.poll(() => queue.jobs.getWaitingCount()).toBe(6);
    for (const { data } of await queue.jobs.getWaiting()) {
      expect(Object.keys(data).sort()).toEqual([
        "count",
        "first",
        "kind",
        "output",
        "plan",
        "run",
        "source",
        "writing",
      ]);
      expect(data).toMatchObject({ source, output: join(allowed, "seen.zarr"), writing: { chunk: 16 } });
    }
    await hire();
    expect((await outcome).code).toBe(0);
    expect(child.exitCode).toBe(0);
    await queue.close();
  });

  test("that is asked to end gives back what it has begun", async () => {
    const output = join(allowed, "handed-over.zarr");
    gate.let(2 * ROW);
    const { outcome } = startPlanner(redis.url, source, output);
    // In the third row, of which a chunk is not begun.
    await gate.held();
    worker.child.send("end");
    gate.open();
    await once(worker.child, "exit");
    expect(worker.child.exitCode).toBe(0);
    const queue = await openQueue(redis.url);
    expect(await queue.jobs.getJobCounts("active", "waiting")).toEqual({ active: 0, waiting: 4 });
    await queue.close();
    await hire();
    expect(await outcome).toMatchObject({ code: 0, stderr: "" });
    expect(differences(output, tree(join(folder, "single.zarr")))).toEqual([]);
    const controller = new AbortController();
    const ended = runWorker(redis.url, { allow: [allowed], signal: controller.signal });
    controller.abort(new Error("enough"));
    await ended;
    await expect(runWorker(redis.url, { signal: controller.signal })).rejects.toThrow("enough");
  });
});

describe.skipIf(!hasRedis)("connections", () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "lazyimg-redis-")));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("take a password from the URL or from REDISCLI_AUTH, and never tell it", async () => {
    const args = ["--requirepass", "hush"];
    const redis = await startRedis(folder, { args, url: (port) => `redis://:hush@127.0.0.1:${port}` });
    const open = `redis://127.0.0.1:${redis.port}`;
    try {
      const queue = await openQueue(redis.url);
      expect(await queue.workers()).toBe(0);
      await queue.close();
      const wrong = redis.url.replace("hush", "wrong-hush");
      for (const url of [open, wrong]) {
        const error = await openQueue(url).catch((reason: Error) => reason as Error & { code: string });
        expect(error).toMatchObject({
          code: "ERR_QUEUE",
          message: expect.stringMatching(/NOAUTH|WRONGPASS/),
        });
        expect((error as Error).message).not.toContain("hush");
      }
      process.env.REDISCLI_AUTH = "hush";
      await (await openQueue(open)).close();
    } finally {
      delete process.env.REDISCLI_AUTH;
      await redis.stop();
    }
  });

  const hasOpenssl = existsSync("/usr/bin/openssl");
  test.skipIf(!hasOpenssl)("are encrypted with rediss://, and check who answers", async () => {
    const openssl = (...words: string[]) =>
      execFileSync("/usr/bin/openssl", words, { cwd: folder, stdio: "ignore" });
    const subject = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"];
    openssl(
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "2",
      "-keyout",
      "key.pem",
      "-out",
      "cert.pem",
      ...subject,
    );
    const args = [
      "--port",
      "0",
      "--tls-port",
      "PORT",
      "--tls-cert-file",
      "cert.pem",
      "--tls-key-file",
      "key.pem",
      "--tls-ca-cert-file",
      "cert.pem",
      "--tls-auth-clients",
      "no",
    ];
    const redis = await startRedis(folder, { args, url: (port) => `rediss://127.0.0.1:${port}` });
    try {
      await expect(openQueue(redis.url)).rejects.toMatchObject({
        code: "ERR_QUEUE",
        message: expect.stringMatching(/self-signed/),
      });
      await expect(openQueue(redis.url.replace("rediss", "redis"))).rejects.toMatchObject({
        code: "ERR_QUEUE",
      });
      const source = join(folder, "noise.nii");
      writeNoise(source, [20, 20, 20]);
      const env = { NODE_EXTRA_CA_CERTS: join(folder, "cert.pem") };
      const worker = await startWorker(redis.url, [folder], { env });
      const { outcome } = startPlanner(redis.url, source, join(folder, "out.zarr"), {}, { env });
      const { code, stderr } = await outcome;
      await kill(worker.child);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    } finally {
      await redis.stop();
    }
  });

  test("to nowhere are an error, and so are other schemes", async () => {
    await expect(openQueue("redis://127.0.0.1:1")).rejects.toMatchObject({
      code: "ERR_QUEUE",
      message: expect.stringMatching(/127.0.0.1:1.*ECONNREFUSED/),
    });
    for (const url of ["http://127.0.0.1", "127.0.0.1:6379", "", "redis://"]) {
      await expect(openQueue(url)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    }
  });
});
