import { execFile, execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { appendFile, chmod, mkdir, mkdtemp, rename, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { fileSource } from "@lazyimg/byte-source";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collect, failure } from "./outcome.js";
import { pattern, same, sleep } from "./server.js";

const body = pattern(3_000_000);
let folder = "";
let path = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "byte-source-"));
  path = await file("scan.nii", body);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, bytes: Uint8Array): Promise<string> {
  const at = join(folder, name);
  await writeFile(at, bytes);
  return at;
}

/** Runs a module in a Node of its own; fails where that does not end by itself with success. */
async function run(script: string, shell?: string): Promise<{ stdout: string; stderr: string }> {
  const args = ["--input-type=module", "-e", script];
  const command = shell === undefined ? process.execPath : "sh";
  const given = shell === undefined ? args : ["-c", `${shell}; exec "$0" "$@"`, process.execPath, ...args];
  return promisify(execFile)(command, given, { cwd: import.meta.dirname, timeout: 240_000 });
}

describe("reading", () => {
  test("ranges, the size and the name", async () => {
    const source = fileSource(path);
    expect(source.name).toBe("scan.nii");
    expect(await source.size()).toBe(body.length);
    expect(same(await source.read(1_234_567, 70_000), body.subarray(1_234_567, 1_304_567))).toBe(true);
    expect(same(await source.read(body.length - 10, 100), body.subarray(-10))).toBe(true);
    expect(await source.read(body.length, 10)).toHaveLength(0);
    expect(await source.read(body.length + 1e12, 10)).toHaveLength(0);
    expect(await source.read(10, 0)).toHaveLength(0);
    expect(same(await source.read(0, 1e15), body)).toBe(true);
    await source.close?.();
  });

  test("many ranges at a time", async () => {
    const source = fileSource(path);
    const reads = await Promise.all(Array.from({ length: 500 }, (_, i) => source.read(i * 5000, 6000)));
    expect(reads.every((read, i) => same(read, body.subarray(i * 5000, i * 5000 + 6000)))).toBe(true);
  });

  test("into the caller's memory, shared memory too", async () => {
    const source = fileSource(path);
    for (const buffer of [new ArrayBuffer(1000), new SharedArrayBuffer(1000)]) {
      const into = new Uint8Array(buffer, 100, 600);
      const result = await source.read(500, 500, { into });
      expect(result.buffer).toBe(buffer);
      expect([result.byteOffset, result.length]).toEqual([100, 500]);
      expect(same(result, body.subarray(500, 1000))).toBe(true);
      expect(await source.read(body.length - 7, 600, { into })).toHaveLength(7);
    }
    const error = await failure(source.read(0, 5, { into: new Uint8Array(4) }));
    expect(error.code).toBe("ERR_INVALID_ARGUMENT");
  });

  test("memory of its own each time", async () => {
    const source = fileSource(path);
    const [a, b] = await Promise.all([source.read(0, 100), source.read(0, 100)]);
    a.fill(0);
    expect(same(b, body.subarray(0, 100))).toBe(true);
    expect(b.buffer.byteLength).toBe(100);
  });

  test("names with spaces, %, # and unicode, as paths and as file: URLs", async () => {
    for (const name of ["a b.nii", "50%41.nii", "x#y?z.nii", "größe 脳.nii"]) {
      const at = await file(name, body.subarray(0, 100));
      for (const source of [
        fileSource(at),
        fileSource(pathToFileURL(at)),
        fileSource(pathToFileURL(at).href),
      ]) {
        expect(source.name).toBe(name);
        expect(same(await source.read(0, 200), body.subarray(0, 100))).toBe(true);
      }
    }
  });

  test("beyond 4 GiB", async () => {
    const at = await file("sparse.nii", new Uint8Array(0));
    await truncate(at, 5 * 2 ** 30);
    await appendFile(at, body.subarray(0, 1000));
    const source = fileSource(at);
    expect(await source.size()).toBe(5 * 2 ** 30 + 1000);
    expect(same(await source.read(5 * 2 ** 30 + 10, 5000), body.subarray(10, 1000))).toBe(true);
    expect(same(await collect(source.stream(5 * 2 ** 30 + 10, 500)), body.subarray(10, 510))).toBe(true);
    await rm(at);
  });
});

describe("streams", () => {
  test("any span, in order", async () => {
    const source = fileSource(path);
    for (const [offset, length] of [
      [0, Number.POSITIVE_INFINITY],
      [0, body.length],
      [1, 1],
      [5, 1 << 20],
      [5, 2 << 20],
      [1_000_000, 1e15],
    ] as const) {
      const read = await collect(source.stream(offset, length));
      expect(same(read, body.subarray(offset, offset + length))).toBe(true);
    }
    expect(await collect(source.stream(body.length, 5))).toHaveLength(0);
    expect(await collect(source.stream(5, 0))).toHaveLength(0);
  });

  test("reuse four buffers, however long they are", async () => {
    const at = await file("long.bin", pattern(12 << 20));
    const buffers = new Set<ArrayBufferLike>();
    let held = 0;
    for await (const piece of fileSource(at).stream(0, Number.POSITIVE_INFINITY)) {
      if (!buffers.has(piece.buffer)) held += piece.buffer.byteLength;
      buffers.add(piece.buffer);
    }
    expect(buffers.size).toBe(4);
    expect(held).toBeLessThanOrEqual(8 << 20);
  });

  test("a piece stays as it is until the next is asked for", async () => {
    const at = await file("slow.bin", pattern(6 << 20));
    const whole = pattern(6 << 20);
    let position = 0;
    for await (const piece of fileSource(at).stream(0, Number.POSITIVE_INFINITY)) {
      await sleep(20); // the read ahead is done by now
      expect(same(piece, whole.subarray(position, position + piece.length))).toBe(true);
      position += piece.length;
    }
    expect(position).toBe(whole.length);
  });

  test("stop when the consumer does, and when it aborts", async () => {
    const source = fileSource(path);
    for await (const _ of source.stream(0, Number.POSITIVE_INFINITY)) break;
    const controller = new AbortController();
    const reading = (async () => {
      for await (const _ of source.stream(0, Number.POSITIVE_INFINITY, { signal: controller.signal })) {
        controller.abort("stop");
      }
    })();
    await expect(reading).rejects.toBe("stop");
    await source.close?.();
    expect((await failure(collect(source.stream(0, 5)))).code).toBe("ERR_CLOSED");
  });

  test("interleaved, more of them than there are descriptors", async () => {
    const streams = Array.from({ length: 200 }, () =>
      fileSource(path).stream(0, body.length)[Symbol.asyncIterator](),
    );
    const lengths = new Array<number>(200).fill(0);
    for (let left = 200; left > 0; ) {
      for (const [i, stream] of streams.entries()) {
        const { done, value } = await stream.next();
        if (!done) lengths[i] = (lengths[i] ?? 0) + value.length;
        else if (lengths[i] === body.length) {
          lengths[i] = -1;
          left--;
        }
      }
    }
    expect(new Set(lengths)).toEqual(new Set([-1]));
  });
});

describe("refusals", () => {
  test("a missing file is ERR_NOT_FOUND, whatever is asked first", async () => {
    const missing = join(folder, "missing.nii");
    for (const at of [missing, join(path, "below-a-file.nii")]) {
      expect((await failure(fileSource(at).read(0, 5))).code).toBe("ERR_NOT_FOUND");
      expect((await failure(fileSource(at).size())).code).toBe("ERR_NOT_FOUND");
      expect((await failure(collect(fileSource(at).stream(0, 5)))).code).toBe("ERR_NOT_FOUND");
    }
    expect((await failure(fileSource(missing).read(0, 5))).message).toContain(missing);
  });

  test("a file that appears later is found then", async () => {
    const at = join(folder, "later.nii");
    const source = fileSource(at);
    expect((await failure(source.read(0, 5))).code).toBe("ERR_NOT_FOUND");
    await writeFile(at, body.subarray(0, 5));
    expect(await source.read(0, 5)).toHaveLength(5);
  });

  test("a directory is ERR_UNSUPPORTED and says so", async () => {
    const error = await failure(fileSource(folder).read(0, 5));
    expect(error.code).toBe("ERR_UNSUPPORTED");
    expect(error.message).toContain("directory");
  });

  test.skipIf(process.platform === "win32")(
    "a FIFO, a device and a socket are ERR_UNSUPPORTED at once",
    async () => {
      const fifo = join(folder, "fifo");
      execFileSync("mkfifo", [fifo]);
      const socket = join(folder, "socket");
      const server = createServer().listen(socket);
      await new Promise((resolve) => server.once("listening", resolve));
      try {
        for (const [at, what] of [
          [fifo, "FIFO"],
          ["/dev/zero", "device"],
          [socket, "socket"],
        ] as const) {
          const error = await failure(fileSource(at).read(0, 5));
          expect(error.code).toBe("ERR_UNSUPPORTED");
          expect(error.message).toContain(what);
        }
      } finally {
        server.close();
      }
    },
  );

  test.skipIf(process.platform === "win32")("no permission is ERR_IO", async () => {
    const at = await file("private.nii", body.subarray(0, 10));
    await chmod(folder, 0o755);
    await chmod(at, 0);
    const script = `
      import { readFileSync } from "node:fs";
      try { (await import("@lazyimg/byte-source")).fileSource(${JSON.stringify(at)}).size()
        .then(() => console.log("read"), (error) => console.log(error.code, error.message)); }
      catch (error) { console.log("import", error.message); }`;
    // The superuser may read everything: be somebody else.
    const somebody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: import.meta.dirname,
      encoding: "utf8",
      ...somebody,
    });
    expect(stdout).toMatch(/^ERR_IO .*private\.nii.*permissions/);
  });

  test("what is no path is ERR_INVALID_ARGUMENT", async () => {
    expect((await failure(fileSource("a\0b").read(0, 5))).code).toBe("ERR_INVALID_ARGUMENT");
    expect(() => fileSource("file://host/share/x.nii")).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
    for (const [offset, length] of [
      [-1, 5],
      [0.5, 5],
      [0, -1],
      [0, Number.NaN],
    ] as const) {
      expect((await failure(fileSource(path).read(offset, length))).code).toBe("ERR_INVALID_ARGUMENT");
      expect((await failure(collect(fileSource(path).stream(offset, length)))).code).toBe(
        "ERR_INVALID_ARGUMENT",
      );
    }
  });

  test("after close everything is ERR_CLOSED, but what was under way is read", async () => {
    const source = fileSource(path);
    await source.size();
    const reads = Array.from({ length: 20 }, (_, i) => source.read(i * 100_000, 100_000));
    await source.close?.();
    await source.close?.();
    const done = await Promise.all(reads);
    expect(done.every((read, i) => same(read, body.subarray(i * 100_000, (i + 1) * 100_000)))).toBe(true);
    for (const promise of [source.read(0, 1), source.size(), source.version?.()]) {
      expect((await failure(Promise.resolve(promise))).code).toBe("ERR_CLOSED");
    }
  });
});

describe("abort", () => {
  test("rejects with the reason itself, before and amid", async () => {
    const source = fileSource(path);
    const reason = { why: "enough" };
    await expect(source.read(0, 5, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(source.size({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    for (const into of [undefined, new Uint8Array(body.length)]) {
      const controller = new AbortController();
      const read = source.read(0, body.length, { signal: controller.signal, into });
      const other = source.read(0, 1000);
      controller.abort(reason);
      await expect(read).rejects.toBe(reason);
      expect(same(await other, body.subarray(0, 1000))).toBe(true);
    }
  });

  test("the caller's memory is left alone once an aborted read has rejected", async () => {
    const source = fileSource(await file("zeros.bin", new Uint8Array(24 << 20)));
    await source.size();
    const into = new Uint8Array(24 << 20);
    const controller = new AbortController();
    const read = source.read(0, into.length, { signal: controller.signal, into });
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort("stop");
    await expect(read).rejects.toBe("stop");
    into.fill(1);
    await sleep(50);
    expect(into.every((value) => value === 1)).toBe(true);
  });

  test("many reads with one signal warn of no leak", async () => {
    const { stderr } = await run(`
      import { fileSource } from "@lazyimg/byte-source";
      const source = fileSource(${JSON.stringify(path)});
      const { signal } = new AbortController();
      await Promise.all(Array.from({ length: 1000 }, (_, i) => source.read(i, 100, { signal })));
    `);
    expect(stderr).toBe("");
  });
});

describe("a file that changes", () => {
  test("written to in place is ERR_CHANGED, at the next read", async () => {
    const at = await file("written.nii", body.subarray(0, 1000));
    const source = fileSource(at);
    await source.read(0, 10);
    await sleep(20);
    await writeFile(at, pattern(1000, 5));
    expect((await failure(source.read(0, 10))).code).toBe("ERR_CHANGED");
    expect((await failure(source.read(0, 10))).code).toBe("ERR_CHANGED");
  });

  test("truncated or grown is ERR_CHANGED", async () => {
    const short = fileSource(await file("short.nii", body.subarray(0, 1000)));
    const long = fileSource(await file("long.nii", body.subarray(0, 1000)));
    await Promise.all([short.size(), long.size()]);
    await truncate(join(folder, "short.nii"), 100);
    await appendFile(join(folder, "long.nii"), "more");
    expect((await failure(short.read(500, 10))).code).toBe("ERR_CHANGED");
    expect((await failure(collect(short.stream(0, 1000)))).code).toBe("ERR_CHANGED");
    expect((await failure(long.read(500, 10))).code).toBe("ERR_CHANGED");
  });

  test("truncated is ERR_CHANGED whatever its time says", async () => {
    const at = await file("backdated.nii", body.subarray(0, 1000));
    await utimes(at, 5, 5);
    const source = fileSource(at);
    await source.size();
    await truncate(at, 500);
    await utimes(at, 5, 5);
    expect((await failure(source.read(0, 10))).code).toBe("ERR_CHANGED");
    expect((await failure(source.read(600, 10))).code).toBe("ERR_CHANGED");
  });

  test("replaced while open is still read as it was; once it is reopened, ERR_CHANGED", async () => {
    const at = await file("replaced.nii", body.subarray(0, 1000));
    const source = fileSource(at);
    await source.size();
    const version = await source.version?.();
    await rename(await file("new.nii", pattern(1000, 7)), at);
    expect(same(await source.read(0, 1000), body.subarray(0, 1000))).toBe(true);
    await readMany(await files(80));
    expect((await failure(source.read(0, 10))).code).toBe("ERR_CHANGED");
    expect(await fileSource(at).version?.()).not.toBe(version);
  });

  test("deleted while its descriptor rests is ERR_NOT_FOUND", async () => {
    const at = await file("deleted.nii", body.subarray(0, 1000));
    const source = fileSource(at);
    await source.size();
    await rm(at);
    expect(await source.read(0, 10)).toHaveLength(10);
    await readMany(await files(80));
    expect((await failure(source.read(0, 10))).code).toBe("ERR_NOT_FOUND");
  });
});

const many: string[] = [];
async function files(count: number): Promise<string[]> {
  await mkdir(join(folder, "many"), { recursive: true });
  for (let i = many.length; i < count; i++) many.push(await file(`many/${i}.nii`, pattern(100, i)));
  return many.slice(0, count);
}

async function readMany(paths: readonly string[]): Promise<void> {
  const reads = await Promise.all(paths.map((at) => fileSource(at).read(0, 100)));
  expect(reads.every((read, i) => same(read, pattern(100, i)))).toBe(true);
}

describe("many files", () => {
  test.runIf(existsSync("/proc/self/fd"))("keep handles flat, without anybody closing them", async () => {
    const open = (): number => readdirSync("/proc/self/fd").length;
    const paths = await files(2000);
    await readMany(paths.slice(0, 100));
    const before = open();
    await readMany(paths);
    await readMany(paths);
    expect(open()).toBeLessThanOrEqual(before);
    const sources = paths.slice(0, 30).map((at) => fileSource(at));
    await Promise.all(sources.map((source) => source.size()));
    await Promise.all(sources.map((source) => source.close?.()));
    expect(open()).toBeLessThanOrEqual(before - 30);
  });

  test.skipIf(process.platform === "win32")(
    "with fewer descriptors than the pool holds, reading goes on",
    async () => {
      const paths = await files(300);
      const { stdout, stderr } = await run(
        `
      import { openSync } from "node:fs";
      import { fileSource } from "@lazyimg/byte-source";
      const paths = ${JSON.stringify(paths)};
      const sources = paths.map((path) => fileSource(path));
      for (const source of sources) await source.read(0, 10);
      const all = await Promise.all(sources.map((source) => source.read(0, 100)));
      console.log(all.length);
      // Others of the process take what is left: the error says what is wrong.
      const held = [];
      for (const source of sources) await source.close();
      try { for (;;) held.push(openSync("/dev/null")); } catch {}
      console.log(await fileSource(paths[0]).read(0, 1).catch((error) => error.code + " " + error.message));
      `,
        "ulimit -n 40",
      );
      expect(stderr).toBe("");
      expect(stdout).toMatch(/^300\nERR_IO Too many open files/);
    },
  );

  test("an unclosed source neither warns nor keeps the process alive", async () => {
    const { stdout, stderr } = await run(`
      import { fileSource } from "@lazyimg/byte-source";
      globalThis.source = fileSource(${JSON.stringify(path)});
      await source.read(0, 10);
      for await (const piece of source.stream(0, Infinity)) break;
      globalThis.source = undefined;
      globalThis.gc?.();
      console.log("done");
    `);
    expect(stdout).toBe("done\n");
    expect(stderr).toBe("");
  });

  test("a path is relative to the folder of its time", async () => {
    const { stdout } = await run(`
      import { fileSource } from "@lazyimg/byte-source";
      process.chdir(${JSON.stringify(folder)});
      const source = fileSource("scan.nii");
      process.chdir("/");
      console.log(await source.size());
    `);
    expect(stdout).toBe(`${body.length}\n`);
  });
});
