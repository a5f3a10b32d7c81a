import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { remoteWriter } from "@lazyimg/byte-source/remote";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { s3Store } from "../../../tests/support/stores/s3.js";
import type { ObjectStore } from "../../../tests/support/stores/store.js";
import {
  differences,
  kill,
  startPlanner,
  startWorker,
  tree,
  writeNoise,
} from "../../distributed/test/processes.js";
import { hasRedis, type RedisServer, startRedis } from "../../distributed/test/redis.js";
import { lazyimg, lazyimgJson, ROOT, start, temporaryFolder } from "./command.js";

const folder = realpathSync(temporaryFolder());
const source = join(folder, "noise.nii");
/** Chunks of the image's three levels. */
const CHUNKS = 36 + 8 + 1;
const whole = join(folder, "whole.zarr");
beforeAll(async () => {
  writeNoise(source, [48, 48, 64]);
  await lazyimgJson("convert", source, whole, "--chunk", "16");
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("--list", () => {
  it("converts each file of a list, tells those that fail, and with --resume does what is missing", async () => {
    const list = join(folder, "list.txt");
    const missing = join(folder, "missing.nii");
    const [a, b, c] = ["a.zarr", "b.nii", "c.zarr"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(list, `# IN and OUT\n${source}\t${a}\n\n${missing}\t${c}\n${source}\t${b}\n`);
    const first = await lazyimg("convert", "--list", list, "--json");
    expect(first.code).toBe(1);
    expect(
      first.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      expect.objectContaining({ source, output: a, dtype: "int16" }),
      { source: missing, output: c, error: { code: "ERR_NOT_FOUND", message: expect.any(String) } },
      expect.objectContaining({ source, output: b, shape: [1, 48, 48, 64] }),
    ]);
    expect(JSON.parse(first.stderr)).toEqual({
      error: { code: "ERR_PIECES", message: "1 of 3 files failed" },
    });
    expect(readFileSync(b).equals(readFileSync(source))).toBe(true);
    writeFileSync(missing, readFileSync(source));
    writeFileSync(list, readFileSync(list, "utf8").replace(/.*b\.nii\n/, ""));
    const { code, stdout } = await lazyimg("convert", "--list", list, "--resume");
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${a}: is there\n${c}: (1, 48, 48, 64) int16\n` });
    rmSync(c, { recursive: true });
    rmSync(missing);
  });

  it.each([
    ["a.nii", "Line 1 of"],
    ["a.nii\tb.zarr\tc", "Line 1 of"],
    ["a.nii\tb.zarr\nc.nii\tb.zarr/", "comes twice"],
    ["a.nii\tb.tif", "OUT is a path"],
  ])("%j is refused", async (text, message) => {
    writeFileSync(join(folder, "bad.txt"), text);
    const { code, stderr } = await lazyimg("convert", "--list", join(folder, "bad.txt"));
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it("takes no operands besides", async () => {
    const { code, stderr } = await lazyimg("convert", "a.nii", "b.zarr", "--list", "list.txt");
    expect(code).toBe(2);
    expect(stderr).toContain("Too many arguments");
  });
});

it("a queue without its package says what to install", () => {
  const alone = join(folder, "alone");
  mkdirSync(alone);
  copyFileSync(join(ROOT, "packages", "lazyimg", "dist", "bin", "lazyimg.cjs"), join(alone, "lazyimg.cjs"));
  const script = 'require("./lazyimg.cjs").main(["worker", "redis://127.0.0.1"])';
  const { status, stderr } = spawnSync(process.execPath, ["-e", script], { cwd: alone, encoding: "utf8" });
  expect(stderr).toMatch(/npm install @lazyimg\/distributed \[ERR_PLUGIN\]/);
  expect(status).toBe(1);
});

describe.skipIf(!hasRedis)("--queue", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis(folder);
  });
  afterAll(() => redis.stop());
  const work = join(folder, "work");
  mkdirSync(work);

  it("has workers convert what they are started for, until Ctrl-C", async () => {
    const worker = start(["worker", redis.url, "--allow", source, "--allow", work, "--json"]);
    const [out, list] = [join(work, "out.zarr"), join(folder, "queue.txt")];
    try {
      const { code, stdout, stderr } = await lazyimg(
        "convert",
        source,
        out,
        "--chunk",
        "16",
        "--queue",
        redis.url,
        "--json",
      );
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        source,
        output: out,
        shape: [1, 48, 48, 64],
        dtype: "int16",
      });
      expect(JSON.parse(stderr.trim().split("\n").at(-1)!)).toMatchObject({
        progress: { output: out, bytes: expect.any(Number), totalBytes: expect.any(Number), failures: 0 },
      });
      expect(differences(out, tree(whole))).toEqual([]);

      const outputs = [1, 2, 3].map((n) => join(work, `${n}.zarr`));
      writeFileSync(
        list,
        [...outputs, join(folder, "elsewhere.zarr")].map((output) => `${source}\t${output}\n`).join(""),
      );
      const told = await lazyimg("convert", "--list", list, "--chunk", "16", "--queue", redis.url);
      expect(told).toMatchObject({ code: 1, stdout: expect.stringContaining("This worker may not use") });
      for (const output of outputs) expect(differences(output, tree(whole))).toEqual([]);
      expect(existsSync(join(folder, "elsewhere.zarr"))).toBe(false);
    } finally {
      worker.child.kill("SIGINT");
    }
    expect(await worker.outcome).toMatchObject({
      code: 130,
      stdout: expect.stringMatching(/^\{"ready":\d+\}\n/),
    });
  });

  it("says that nobody works, and after Ctrl-C how to go on", async () => {
    const output = join(work, "waiting.zarr");
    const args = ["convert", source, output, "--chunk", "16", "--queue", redis.url];
    const { child, outcome } = start(args);
    let said = "";
    child.stderr!.on("data", (text: Buffer) => {
      said += text;
    });
    await expect.poll(() => said).toContain("Nobody takes work from this queue: start lazyimg worker");
    child.kill("SIGINT");
    expect(await outcome).toMatchObject({
      code: 130,
      stderr: expect.stringContaining("--resume goes on with it"),
    });
    const worker = start(["worker", redis.url, "--allow", folder]);
    expect(await lazyimg(...args, "--resume")).toMatchObject({ code: 0 });
    await kill(worker.child, "SIGTERM");
    expect(differences(output, tree(whole))).toEqual([]);
  });

  describe.skipIf(!s3Store.hasServer)("with an object store", () => {
    const before = { ...process.env };
    const plugin = ["--plugin", s3Store.transport];
    let store: ObjectStore;
    beforeAll(async () => {
      store = await s3Store.start();
      Object.assign(process.env, store.env);
    });
    afterAll(async () => {
      process.env = before;
      await store.close();
    });

    /** Has the store answer nothing to what would write a chunk, from the n-th on, until it is told to go on. */
    function holdChunks(n: number) {
      let left = n;
      const waiting: ServerResponse[] = [];
      store.instead = ({ method, url = "" }, response) => {
        if (method !== "PUT" || !/\/\d\/c\//.test(url) || left-- > 0) return false;
        waiting.push(response);
        return true;
      };
      return {
        held: () => expect.poll(() => waiting.length).toBeGreaterThan(0),
        goOn(): void {
          store.instead = () => false;
          // Whoever still waits tries again.
          for (const response of waiting.filter(({ destroyed }) => !destroyed)) {
            s3Store.refuse(response, 503, s3Store.codes.busy);
          }
        },
      };
    }

    async function objectsBelow(url: string): Promise<Map<string, Uint8Array>> {
      const bucket = (await remoteWriter(url, { readerOptions: store.readerOptions }))!;
      const objects = new Map<string, Uint8Array>();
      for await (const keys of bucket.list()) {
        for (const key of keys) objects.set(key, (await bucket.get(key))!);
      }
      return objects;
    }

    it("reads from it and writes to it, with the workers' own credentials, whatever becomes of the planner", async () => {
      const worker = start(
        ["worker", redis.url, "--allow", folder, "--allow", `${store.root}/out`, ...plugin],
        ROOT,
      );
      const queue = ["--chunk", "16", "--queue", redis.url, ...plugin];
      try {
        const [there, back] = [`${store.root}/out/noise.nii.zarr`, join(work, "back.zarr")];
        for (const [from, to] of [
          [source, there],
          [there, back],
        ] as const) {
          const { code, stderr } = await start(["convert", from, to, ...queue], ROOT).outcome;
          expect(code, stderr).toBe(0);
        }
        expect(differences(await objectsBelow(there), tree(whole))).toEqual([]);
        expect(differences(back, tree(whole))).toEqual([]);
        // A planner that is killed, and one that goes on where there is nothing to be seen yet.
        const killed = `${store.root}/out/killed.nii.zarr`;
        const { held, goOn } = holdChunks(Math.floor(Math.random() * CHUNKS));
        const first = start(["convert", source, killed, ...queue], ROOT);
        await held();
        await kill(first.child);
        expect([...(await objectsBelow(killed)).keys()]).not.toContain("zarr.json");
        goOn();
        const { code, stderr } = await start(["convert", source, killed, ...queue, "--resume"], ROOT).outcome;
        expect(code, stderr).toBe(0);
        expect(differences(await objectsBelow(killed), tree(whole))).toEqual([]);
        const outside = `${store.root}/elsewhere.zarr`;
        expect(await start(["convert", source, outside, ...queue], ROOT).outcome).toMatchObject({
          code: 1,
          stderr: expect.stringContaining("ERR_NOT_ALLOWED"),
        });
      } finally {
        await kill(worker.child);
      }
    });

    it("survives workers that are killed while they write to it", async () => {
      const output = `${store.root}/out/survives.nii.zarr`;
      const imports = [s3Store.transport];
      const hire = () => startWorker(redis.url, [folder, `${store.root}/out`], { lease: 1000, imports });
      await redis.client.flushall();
      const [first, n] = [await hire(), Math.floor(Math.random() * CHUNKS)];
      const { held, goOn } = holdChunks(n);
      const { outcome } = startPlanner(redis.url, source, output, { codec: "blosc" }, { imports });
      await held();
      await kill(first.child);
      goOn();
      const second = await hire();
      expect(await outcome, `killed with chunk ${n}`).toMatchObject({ code: 0, stderr: "" });
      await kill(second.child);
      expect(differences(await objectsBelow(output), tree(whole))).toEqual([]);
    });
  });

  it("leaves what one process can finish", async () => {
    const output = join(work, "alone.zarr");
    const { child, outcome } = start(["convert", source, output, "--chunk", "16", "--queue", redis.url]);
    await expect.poll(() => existsSync(`${output}.partial`)).toBe(true);
    child.kill("SIGINT");
    expect((await outcome).code).toBe(130);
    expect(await lazyimg("convert", source, output, "--chunk", "16", "--resume")).toMatchObject({ code: 0 });
    expect(differences(output, tree(whole))).toEqual([]);
  });

  it.each([
    [["convert", source, join(work, "x.nii")], 2, "--queue writes Zarr"],
    [["convert", "https://u:hush@127.0.0.1/a.nii", join(work, "x.zarr")], 1, "ERR_"],
  ])("%j is refused", async (args, expected, message) => {
    const { code, stderr } = await lazyimg(...args, "--queue", redis.url);
    expect({ code, stderr }).toEqual({ code: expected, stderr: expect.stringContaining(message) });
    expect(stderr).not.toContain("hush");
  });

  it("is no queue where nothing answers", async () => {
    for (const args of [["worker"], ["convert", source, join(work, "x.zarr"), "--queue"]]) {
      const { code, stderr } = await lazyimg(...args, "redis://:hush@127.0.0.1:1");
      expect(code).toBe(1);
      expect(stderr).toContain("[ERR_QUEUE]");
      expect(stderr).not.toContain("hush");
    }
  });
});
