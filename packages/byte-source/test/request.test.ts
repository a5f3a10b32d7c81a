import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bytesSource, openSibling, openSource, peek, type SourceRequest, sniff } from "@lazyimg/byte-source";
import { type ByteSource, requestName } from "@lazyimg/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pattern, rangeHandler, same, serve, sleep, type TestServer, until } from "./server.js";

const body = pattern(100_000);
const other = pattern(50_000, 3);
let folder = "";
let server: TestServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "byte-source-"));
  await writeFile(join(folder, "scan.hdr"), body);
  await writeFile(join(folder, "scan 1%.img"), other);
  await mkdir(join(folder, "folder"));
  server = await serve((request, response, count) => {
    const url = new URL(request.url ?? "", "http://x");
    const file = { "/a/scan.hdr": body, "/a/scan%201%25.img": other, "/a/tiny.img": body.subarray(0, 10) }[
      url.pathname
    ];
    if (url.searchParams.get("token") !== "t") response.writeHead(403).end();
    else if (file === undefined) response.writeHead(404).end();
    else rangeHandler(file)(request, response, count);
  });
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const at = (path: string): string => new URL(path, server.url).href;

describe("openSource", () => {
  test("opens whatever a request has", async () => {
    const requests: SourceRequest[] = [
      { path: join(folder, "scan.hdr") },
      { path: pathToFileURL(join(folder, "scan.hdr")).href },
      { path: at("/a/scan.hdr?token=t") },
      { blob: new File([body], "scan.hdr") },
      { blob: new Blob([body]), name: "scan.hdr" },
      { bytes: body, name: "scan.hdr" },
      { byteSource: bytesSource(body, { name: "scan.hdr" }) },
      { byteSource: bytesSource(body), name: "scan.hdr" },
    ];
    for (const request of requests) {
      const source = openSource(request);
      expect(source.name).toBe("scan.hdr");
      expect(same(await source.read(5, 100), body.subarray(5, 105))).toBe(true);
      expect(await source.size()).toBe(body.length);
      await source.close?.();
      await expect(source.read(5, 100)).rejects.toMatchObject({ code: "ERR_CLOSED" });
    }
  });

  test("a byte source of the caller's is never closed, and reads as before", async () => {
    let closed = 0;
    class Own implements ByteSource {
      readonly #inner = bytesSource(body);
      readonly gap = 7;
      size(): Promise<number | null> {
        return this.#inner.size();
      }
      read(offset: number, length: number): Promise<Uint8Array> {
        return this.#inner.read(offset, length);
      }
      stream(offset: number, length: number): AsyncIterable<Uint8Array> {
        return this.#inner.stream(offset, length);
      }
      async version(): Promise<string> {
        return `v${await this.size()}`;
      }
      async close(): Promise<void> {
        closed++;
      }
    }
    const byteSource = new Own();
    const source = openSource({ byteSource });
    expect(source.gap).toBe(7);
    expect(await source.version?.()).toBe("v100000");
    expect(source.cost).toBeUndefined();
    for await (const piece of source.stream(3, 10)) expect(same(piece, body.subarray(3, 13))).toBe(true);
    await source.close?.();
    await expect(source.size()).rejects.toMatchObject({ code: "ERR_CLOSED" });
    expect(closed).toBe(0);
    expect(await openSource({ byteSource }).read(0, 5)).toHaveLength(5);
  });

  test("passes fetch and reader options on", async () => {
    let fetched = 0;
    const counting: typeof fetch = (url, init) => {
      fetched++;
      return fetch(url, init);
    };
    const path = at("/a/scan.hdr?token=t");
    const request = { path, fetch: counting, readerOptions: { headers: { "x-own": "1" }, unrelated: {} } };
    await openSource(request).read(0, 5);
    expect(fetched).toBe(1);
    expect(server.requests.at(-1)?.headers["x-own"]).toBe("1");
    for (const readerOptions of [
      { maxBytes: "5" },
      { retries: -1 },
      { concurrency: 0 },
      { timeout: Number.NaN },
    ]) {
      expect(() => openSource({ path, readerOptions })).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
      );
    }
  });

  test("refuses what it cannot open, and says what can be", () => {
    expect(() => openSource({})).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    for (const path of ["s3://bucket/scan.nii", "ftp://host/scan.nii"]) {
      expect(() => openSource({ path })).toThrow(
        expect.objectContaining({ code: "ERR_UNSUPPORTED", message: expect.stringContaining("https:") }),
      );
    }
  });
});

describe("requestName", () => {
  test("is the name that tells the format", () => {
    for (const [request, name] of [
      [{ path: "/data/sub 1/scan.nii.gz" }, "scan.nii.gz"],
      [{ path: "C:\\data\\scan.nii.gz" }, "scan.nii.gz"],
      [{ path: "scan%20.nii" }, "scan%20.nii"],
      [{ path: "/data/store.zarr/" }, "store.zarr"],
      [{ path: "https://host/a/Scan%201.NII.GZ?x=/y.png#z" }, "Scan 1.NII.GZ"],
      [{ path: "https://host/a/store.zarr/" }, "store.zarr"],
      [{ path: "file:///data/a%20b.nii" }, "a b.nii"],
      [{ path: "https://host/download?id=1", name: "scan.nii" }, "scan.nii"],
      [{ blob: new File([], "scan.nii") }, "scan.nii"],
      [{ blob: new Blob([]) }, undefined],
      [{ bytes: new Uint8Array(0) }, undefined],
      [{ byteSource: bytesSource(new Uint8Array(0), { name: "x.nii" }) }, "x.nii"],
      [{}, undefined],
    ] as [SourceRequest, string | undefined][]) {
      expect(requestName(request)).toBe(name);
    }
  });
});

describe("openSibling", () => {
  test("finds the file beside, on disk and by URL, and keeps the query", async () => {
    for (const path of [
      join(folder, "scan.hdr"),
      pathToFileURL(join(folder, "scan.hdr")).href,
      at("/a/scan.hdr?token=t#x"),
    ]) {
      const source = await openSibling({ path }, "scan 1%.img");
      expect(source?.name).toBe("scan 1%.img");
      expect(await source?.size()).toBe(other.length);
      expect(same(await source?.read(4090, 100), other.subarray(4090, 4190))).toBe(true);
      await source?.close?.();
      expect(await openSibling({ path }, "missing.img")).toBe(null);
    }
  });

  test("what it read of a URL to see whether it is there is not read again", async () => {
    const path = at("/a/scan.hdr?token=t");
    let before = server.requests.length;
    const source = await openSibling({ path }, "scan 1%.img");
    expect(same(await source?.read(0, 4096), other.subarray(0, 4096))).toBe(true);
    expect(await source?.size()).toBe(other.length);
    expect(server.requests.length - before).toBe(1);
    before = server.requests.length;
    const tiny = await openSibling({ path }, "tiny.img");
    expect(same(await tiny?.read(2, 4096), body.subarray(2, 10))).toBe(true);
    expect(server.requests.length - before).toBe(1);
    before = server.requests.length;
    const all = await openSibling({ path }, "scan 1%.img", { ahead: other.length + 1 });
    expect(same(await all?.read(0, other.length + 1), other)).toBe(true);
    expect(server.requests.length - before).toBe(1);
  });

  test("asks the request's own sibling first", async () => {
    const asked: string[] = [];
    const sibling = async (name: string): Promise<ByteSource | null> => {
      asked.push(name);
      return name === "b.img" ? bytesSource(other, { name }) : null;
    };
    const request: SourceRequest = { bytes: body, sibling };
    expect(same(await (await openSibling(request, "b.img"))?.read(0, 9), other.subarray(0, 9))).toBe(true);
    expect(await openSibling(request, "c.img")).toBe(null);
    expect(asked).toEqual(["b.img", "c.img"]);
  });

  test("is null where there is no place to look", async () => {
    for (const request of [{ bytes: body }, { blob: new Blob([]) }, { byteSource: bytesSource(body) }, {}]) {
      expect(await openSibling(request, "scan.img")).toBe(null);
    }
  });

  test("passes errors that are no absence on, and never leaves the folder", async () => {
    await expect(openSibling({ path: at("/a/scan.hdr") }, "scan.img")).rejects.toMatchObject({
      code: "ERR_HTTP",
    });
    await expect(openSibling({ path: join(folder, "scan.hdr") }, "folder")).rejects.toMatchObject({
      code: "ERR_UNSUPPORTED",
    });
    for (const name of ["", ".", "..", "../x", "a/b", "a\\b", "/etc/passwd", "a\0"]) {
      await expect(openSibling({ path: join(folder, "scan.hdr") }, name)).rejects.toMatchObject({
        code: "ERR_INVALID_ARGUMENT",
      });
    }
    const signal = AbortSignal.abort("stop");
    await expect(openSibling({ path: at("/a/scan.hdr") }, "x.img", { signal })).rejects.toBe("stop");
  });
});

describe("peek", () => {
  test("reads once for all who ask, and openSource goes on from there", async () => {
    const request = Object.freeze({ path: at("/a/scan.hdr?token=t") });
    const before = server.requests.length;
    const heads = await Promise.all([peek(request, 4), peek(request, 4096), peek(request, 0)]);
    expect(heads.map((head) => head.length)).toEqual([4, 4096, 0]);
    expect(same(heads[1], body.subarray(0, 4096))).toBe(true);
    heads[1]?.fill(0);
    const source = openSource(request);
    expect(same(await source.read(0, 4096), body.subarray(0, 4096))).toBe(true);
    expect(await source.size()).toBe(body.length);
    expect(same(await peek(request, 10), body.subarray(0, 10))).toBe(true);
    expect(server.requests.length - before).toBe(1);
    expect(same(await source.read(4000, 200), body.subarray(4000, 4200))).toBe(true);
    expect(server.requests.length - before).toBe(2);
    const into = new Uint8Array(new SharedArrayBuffer(10));
    expect((await source.read(1, 10, { into })).buffer).toBe(into.buffer);
    expect(Array.from(into)).toEqual(Array.from(body.subarray(1, 11)));
    await source.close?.();
    await expect(source.read(0, 10)).rejects.toMatchObject({ code: "ERR_CLOSED" });
    // The next to open the same request gets a source of its own.
    expect(same(await openSource(request).read(0, 10), body.subarray(0, 10))).toBe(true);
  });

  test("gives what there is of a small file", async () => {
    const request = { bytes: body.subarray(0, 10) };
    expect(same(await peek(request, 348), body.subarray(0, 10))).toBe(true);
    const source = openSource(request);
    expect(same(await source.read(5, 100), body.subarray(5, 10))).toBe(true);
    expect(await source.read(10, 100)).toHaveLength(0);
    expect(await source.read(1000, 100)).toHaveLength(0);
  });

  test("one who leaves takes nobody along; a failure is not kept", async () => {
    let calls = 0;
    let fail = true;
    const aborts: unknown[] = [];
    const byteSource: ByteSource = {
      ...bytesSource(body),
      async read(offset, length, { signal } = {}) {
        calls++;
        signal?.addEventListener("abort", () => aborts.push(signal.reason));
        await sleep(20);
        if (fail) throw new Error("broken");
        signal?.throwIfAborted();
        return body.slice(offset, offset + length);
      },
    };
    const request = { byteSource };
    const outcomes = await Promise.allSettled([peek(request, 5), peek(request, 5)]);
    expect(outcomes.map((one) => one.status)).toEqual(["rejected", "rejected"]);
    expect(calls).toBe(1);
    fail = false;
    const controller = new AbortController();
    const first = peek(request, 5, { signal: controller.signal });
    const second = peek(request, 5);
    controller.abort("first");
    await expect(first).rejects.toBe("first");
    expect(same(await second, body.subarray(0, 5))).toBe(true);
    expect([calls, aborts]).toEqual([2, []]);

    const alone = { byteSource };
    const only = new AbortController();
    const third = peek(alone, 5, { signal: only.signal });
    only.abort("only");
    await expect(third).rejects.toBe("only");
    await until(() => aborts.length === 1);
    expect(same(await peek(alone, 5), body.subarray(0, 5))).toBe(true);
  });

  test("keeps to its budget", async () => {
    await expect(peek({ bytes: body }, 4097)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    await expect(peek({ bytes: body }, -1)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    await expect(peek({ path: join(folder, "missing") }, 4)).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
  });
});

describe("sniff", () => {
  const begins = (head: Uint8Array): boolean => same(head, body.subarray(0, 9));
  const bytes = body.subarray(0, 100);

  test("looks at what has no telling name", async () => {
    for (const request of [
      { bytes },
      { bytes, name: "scan" },
      { blob: new Blob([bytes]) },
      { byteSource: bytesSource(bytes) },
    ]) {
      expect(await sniff(request, 9, begins)).toBe(true);
      expect(await sniff(request, 8, begins)).toBe(false);
    }
    expect(await sniff({ bytes: bytes.subarray(0, 5) }, 9, (head) => head.length === 5)).toBe(true);
  });

  test("opens nothing that a name tells, and nothing that brings a reader", async () => {
    const never = (): never => {
      throw new Error("It was read.");
    };
    for (const request of [
      { path: join(folder, "no such file") },
      { bytes, name: "scan.dat" },
      { blob: new File([bytes], "scan.dat") },
      { byteSource: bytesSource(bytes, { name: "scan.dat" }) },
      { bytes, reader: {} },
    ]) {
      expect(await sniff(request, 9, never)).toBe(false);
    }
  });
});
