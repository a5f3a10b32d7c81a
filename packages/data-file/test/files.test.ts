import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { deflateSync, gzipSync } from "node:zlib";
import { bytesSource, openSource } from "@lazyimg/byte-source";
import { type ByteSource, createRequest } from "@lazyimg/core";
import { openDataFile, openFile, openInflated } from "@lazyimg/data-file";
import {
  buildIndex,
  type GzipSourceOptions,
  gzipSource,
  type IndexCache,
  writeIndex,
} from "@lazyimg/seekable-gzip";
import { countingSource } from "@lazyimg/testkit";
import { misbehavingServer } from "@lazyimg/testkit/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** 3 MB that compress to a third. */
const content = Uint8Array.from({ length: 3_000_000 }, (_, n) => (n * n) >> 9);
const compressed = gzipSync(content);
const far = content.subarray(2_500_000, 2_500_100);

let folder: string;
let path: string;
let index: Uint8Array;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lazyimg-data-file-"));
  path = join(folder, "it.mgz");
  index = writeIndex(await buildIndex(bytesSource(compressed)));
  await mkdir(join(folder, "below"));
  await writeFile(path, compressed);
  await writeFile(join(folder, "kept.gzidx"), index);
  await writeFile(join(folder, "below", "it.raw"), far);
  await writeFile(join(folder, "a%2e.raw"), far);
});
afterAll(() => rm(folder, { recursive: true }));

/** The file with counted reads. */
async function open(readerOptions: Record<string, unknown> = {}) {
  const warnings: string[] = [];
  const request = createRequest(path, {
    readerOptions: { onWarning: (text: string) => warnings.push(text), ...readerOptions },
  });
  const source = countingSource(openSource(request));
  return { warnings, ...(await openFile(request, { source, name: "it.mgz" }, 100)) } as const;
}

async function readFar(readerOptions: Record<string, unknown> = {}) {
  const request = createRequest(path, { readerOptions });
  const counted = countingSource(openSource(request));
  const { source } = await openFile(request, { source: counted, name: "it.mgz" }, 100);
  expect(Buffer.compare(await source.read(2_500_000, 100), far)).toBe(0);
  await source.close?.();
  return counted.bytes;
}

describe("a file that may be gzipped", () => {
  test("is inflated by what is in it, and its beginning read once", async () => {
    const { source, head, mostBytes } = await open();
    expect(head).toEqual(content.subarray(0, 100));
    expect(mostBytes).toBe(1032 * compressed.length);
    for (const [bytes, name, first] of [
      [content, "it.mgz", 16384],
      [content, "it.mgh", 100],
      [compressed, "it.mgz", 16384],
      [compressed, undefined, 100],
    ] as const) {
      const counted = countingSource(bytes);
      const file = { source: counted, name };
      const opened = await openFile(createRequest(counted), file, 100);
      expect(opened.head).toEqual(content.subarray(0, 100));
      expect(counted.ranges[0]).toEqual({ offset: 0, length: first });
      if (first === 16384) expect(counted.requests).toBe(1);
      if (bytes === content) expect(opened.mostBytes).toBe(content.length);
    }
    await source.close?.();
  });

  test("tells its size where its beginning is all of it", async () => {
    const small = countingSource(gzipSync(content.subarray(0, 50)));
    const opened = await openFile(createRequest(small), { source: small, name: "it.mgz" }, 100);
    expect(opened).toMatchObject({ mostBytes: 50, head: content.subarray(0, 50) });
  });

  test("is closed when its opening is aborted, with the signal's reason", async () => {
    const source = countingSource(compressed);
    const { reached, release } = source.hold();
    const controller = new AbortController();
    const file = { source, name: "it.mgz" };
    const opening = openFile(createRequest(source), file, 100, { signal: controller.signal });
    await reached;
    controller.abort("enough");
    await expect(opening).rejects.toBe("enough");
    release();
    expect(source.closed).toBe(true);
  });

  test("is closed when it cannot be opened", async () => {
    const source = countingSource(compressed);
    const request = createRequest(source, { readerOptions: { gzipSource: 7 } });
    await expect(openFile(request, { source, name: "it.mgz" }, 100)).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
    expect(source.closed).toBe(true);
  });

  test("is zlib where that is known", async () => {
    const source = bytesSource(deflateSync(content));
    const opened = await openInflated(createRequest(source), { source }, 0);
    expect(opened.head).toHaveLength(0);
    expect(Buffer.compare(await opened.source.read(2_500_000, 100), far)).toBe(0);
  });
});

describe("readerOptions about gzip", () => {
  test("a sidecar beside it, at a path, as bytes or as a source saves what lies before", async () => {
    const without = await readFar();
    expect(without).toBeGreaterThan(0.75 * compressed.length);
    await writeFile(`${path}.gzidx`, index);
    const kept = join(folder, "kept.gzidx");
    try {
      for (const gzipIndex of [undefined, kept, pathToFileURL(kept).href, index, bytesSource(index)]) {
        expect(await readFar({ gzipIndex }), String(gzipIndex)).toBeLessThan(0.6 * compressed.length);
      }
      expect(await readFar({ gzipIndex: false })).toBe(without);
    } finally {
      await rm(`${path}.gzidx`);
    }
  });

  test("a sidecar that is older than its file is refused, with a warning", async () => {
    await writeFile(`${path}.gzidx`, index);
    await utimes(`${path}.gzidx`, 1000, 1000);
    try {
      const { source, warnings } = await open();
      expect(Buffer.compare(await source.read(2_500_000, 100), far)).toBe(0);
      expect(warnings).toEqual([expect.stringContaining("older than its file")]);
      await source.close?.();
    } finally {
      await rm(`${path}.gzidx`);
    }
  });

  test("a server that denies the sidecar does no harm", async () => {
    const server = await misbehavingServer({ "it.mgz": compressed });
    try {
      const request = createRequest(`${server.url}it.mgz`, { readerOptions: { retries: 0 } });
      const file = { source: openSource(request), name: "it.mgz" };
      const { source } = await openFile(request, file, 100);
      server.misbehave({ kind: "status", status: 403 }, { times: 1 });
      expect(Buffer.compare(await source.read(2_500_000, 100), far)).toBe(0);
      expect(server.log.map(({ url, status }) => [url, status])).toContainEqual(["/it.mgz.gzidx", 403]);
      await source.close?.();
    } finally {
      await server.close();
    }
  });

  test("a cache keeps indexes", async () => {
    const kept = new Map<string, Uint8Array>();
    const gzipCache: IndexCache = {
      get: async (key) => kept.get(key) ?? null,
      set: async (key, bytes) => {
        kept.set(key, bytes);
      },
    };
    const { source } = await open({ gzipCache });
    await source.read(0, content.length);
    await source.close?.();
    expect([...kept.keys()]).toEqual([expect.stringContaining(`${path} it.mgz@`)]);
    expect(await readFar({ gzipCache })).toBeLessThan(0.6 * compressed.length);
  });

  test("another inflates instead", async () => {
    const seen: unknown[] = [];
    const spy = (inner: ByteSource, options: GzipSourceOptions): ByteSource => {
      seen.push(options.head?.length);
      return gzipSource(inner, options);
    };
    await readFar({ gzipSource: spy });
    expect(seen).toEqual([16384]);
  });

  test.each(["gzipIndex", "gzipCache", "gzipSource", "onWarning"])(
    "%s of another kind is refused",
    async (name) => {
      await expect(open({ [name]: 5 })).rejects.toMatchObject({
        code: "ERR_INVALID_ARGUMENT",
        message: expect.stringContaining(`readerOptions.${name}`),
      });
    },
  );
});

describe("a data file", () => {
  const read = async (from: string | URL, name: string) => {
    const file = await openDataFile(createRequest(from), name);
    const bytes = await file.source.read(0, 1000);
    await file.source.close?.();
    return { name: file.name, isRight: Buffer.compare(bytes, far) === 0 };
  };

  test("is found beside a path or a file: URL, or below, and has a name where it is beside", async () => {
    const header = join(folder, "it.nhdr");
    for (const from of [header, pathToFileURL(header)]) {
      expect(await read(from, "./below/it.raw")).toEqual({ name: undefined, isRight: true });
    }
    expect(await read(header, "a%2e.raw")).toEqual({ name: "a%2e.raw", isRight: true });
  });

  test("is found beside a URL, whose escapes are its own", async () => {
    const server = await misbehavingServer({
      "in/a%2e.raw": far,
      "in/%2e%2e/it.raw": far,
      "it.raw": content,
    });
    try {
      expect((await read(`${server.url}in/it.nhdr?of=a/b#c/d`, "a%2e.raw")).isRight).toBe(true);
      // No step up, but a folder of that name.
      expect((await read(`${server.url}in/it.nhdr`, "%2e%2e/it.raw")).isRight).toBe(true);
      expect(server.log.map(({ url }) => url)).toContain("/in/%252e%252e/it.raw");
    } finally {
      await server.close();
    }
  });

  test("of a Blob or bytes is what `sibling` finds, and without one it is not there", async () => {
    const source = bytesSource(far);
    const request = createRequest(new Blob(["header"]), {
      sibling: async (name) => (name === "below/it.raw" ? source : null),
    });
    expect(await openDataFile(request, "below/./it.raw")).toEqual({ source, name: undefined });
    await expect(openDataFile(request, "it.raw")).rejects.toMatchObject({ code: "ERR_PAIR" });
    await expect(openDataFile(createRequest(far), "it.raw")).rejects.toMatchObject({ code: "ERR_PAIR" });
    await expect(openDataFile(createRequest(far), "below/it.raw")).rejects.toMatchObject({
      code: "ERR_PAIR",
    });
  });
});
