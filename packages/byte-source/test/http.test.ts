import { gzipSync } from "node:zlib";
import { httpSource } from "@lazyimg/byte-source";
import { afterEach, describe, expect, test, vi } from "vitest";
import { collect, failure } from "./outcome.js";
import {
  asked,
  type Handler,
  heldTimers,
  pattern,
  rangeHandler,
  same,
  sendAll,
  serve,
  sleep,
  type TestServer,
  until,
  untilStill,
  watchedFetch,
  wholeHandler,
} from "./server.js";

const body = pattern(300_000);
const servers: TestServer[] = [];

async function start(handler: Handler): Promise<TestServer> {
  const server = await serve(handler);
  servers.push(server);
  return server;
}

afterEach(async () => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

describe("ranges", () => {
  test("a read is one request, and brings the size along", async () => {
    const server = await start(rangeHandler(body, { etag: '"one"' }));
    const source = httpSource(`${server.url}?signature=x#part`);
    expect(same(await source.read(1000, 500), body.subarray(1000, 1500))).toBe(true);
    expect(await source.size()).toBe(body.length);
    expect(await source.version?.()).toBe(`"one":${body.length}`);
    expect(server.ranges).toEqual(["bytes=1000-1499"]);
    expect(source.name).toBe("scan.nii");
  });

  test("the size alone costs one byte, once", async () => {
    const server = await start(rangeHandler(body));
    const source = httpSource(server.url);
    expect(await Promise.all([source.size(), source.size(), source.size()])).toEqual(
      Array(3).fill(body.length),
    );
    expect(await source.version?.()).toBe(null);
    expect(server.ranges).toEqual(["bytes=0-0"]);
  });

  test("reads end where the file does", async () => {
    const server = await start(rangeHandler(body));
    const source = httpSource(server.url);
    expect(same(await source.read(body.length - 10, 100), body.subarray(-10))).toBe(true);
    expect(await source.read(body.length, 10)).toHaveLength(0);
    expect(await source.read(body.length + 1e6, 10)).toHaveLength(0);
    expect(await source.read(5, 0)).toHaveLength(0);
    expect(server.requests).toHaveLength(1);
  });

  test("a first read past the end learns the size from a 416", async () => {
    const server = await start(rangeHandler(body));
    const source = httpSource(server.url);
    expect(await source.read(body.length + 5, 10)).toHaveLength(0);
    expect(await source.size()).toBe(body.length);
    expect(same(await source.read(7, 3), body.subarray(7, 10))).toBe(true);
  });

  test("an empty file has size 0", async () => {
    const server = await start(rangeHandler(new Uint8Array(0)));
    const source = httpSource(server.url);
    expect(await source.size()).toBe(0);
    expect(await source.read(0, 100)).toHaveLength(0);
  });

  test("a 416 within the file is an error", async () => {
    const server = await start((request, response, count) => {
      if (count === 1) return rangeHandler(body)(request, response, count);
      response.writeHead(416).end();
    });
    const source = httpSource(server.url);
    await source.read(0, 10);
    expect((await failure(source.read(10, 10))).code).toBe("ERR_HTTP");
  });

  test("an unknown total leaves the size null and reads right", async () => {
    const server = await start((request, response) => {
      const range = asked(request, body.length);
      if (range === null || range.start >= body.length) return response.writeHead(416).end();
      response.writeHead(206, { "content-range": `bytes ${range.start}-${range.end - 1}/*` });
      return response.end(body.subarray(range.start, range.end));
    });
    const source = httpSource(server.url);
    expect(await source.size()).toBe(null);
    expect(same(await source.read(250_000, 100_000), body.subarray(250_000))).toBe(true);
    expect(same(await source.read(100, 100_000), body.subarray(100, 100_100))).toBe(true);
    expect(await source.read(body.length + 1, 5)).toHaveLength(0);
  });

  test("reads into the caller's memory, shared memory too", async () => {
    const server = await start(rangeHandler(body));
    const source = httpSource(server.url);
    const into = new Uint8Array(new SharedArrayBuffer(600), 50, 550);
    const result = await source.read(1000, 500, { into });
    expect(result.buffer).toBe(into.buffer);
    expect([result.byteOffset, result.length]).toEqual([50, 500]);
    expect(Array.from(result)).toEqual(Array.from(body.subarray(1000, 1500)));
    expect((await failure(source.read(0, 551, { into }))).code).toBe("ERR_INVALID_ARGUMENT");
    expect(await source.read(body.length - 3, 10, { into })).toHaveLength(3);
    expect(await source.read(body.length, 10, { into })).toHaveLength(0);
  });

  test("at most `concurrency` reads are in flight, and all are right", async () => {
    let now = 0;
    let most = 0;
    const server = await start(async (request, response, count) => {
      most = Math.max(most, ++now);
      // The first goes alone; then all wait until there are three, and a while for a fourth.
      if (count > 1) await until(() => most === 3);
      await sleep(20);
      now--;
      rangeHandler(body)(request, response, count);
    });
    const source = httpSource(server.url, { concurrency: 3 });
    const reads = await Promise.all(Array.from({ length: 20 }, (_, i) => source.read(i * 10_000, 2000)));
    for (const [i, read] of reads.entries())
      expect(same(read, body.subarray(i * 10_000, i * 10_000 + 2000))).toBe(true);
    expect(most).toBe(3);
    expect(server.requests).toHaveLength(20);
  });

  test("headers and fetch are the caller's", async () => {
    const server = await start((request, response, count) => {
      if (request.headers.authorization !== "Bearer b") return response.writeHead(403).end();
      return rangeHandler(body)(request, response, count);
    });
    const refused = await failure(
      httpSource(server.url, { headers: { authorization: "Bearer a" } }).read(0, 4),
    );
    expect(refused.code).toBe("ERR_HTTP");
    expect(refused.message).toMatch(/403.*(fetch|headers)/);
    expect(server.requests).toHaveLength(1);
    const renewing: typeof fetch = async (url, init) => {
      const headers = new Headers(init?.headers);
      headers.set("authorization", "Bearer b");
      return fetch(url, { ...init, headers });
    };
    expect(same(await httpSource(server.url, { fetch: renewing }).read(0, 4), body.subarray(0, 4))).toBe(
      true,
    );
  });

  test("redirects are followed, and credentials stay with their origin", async () => {
    const there = await start(rangeHandler(body));
    const here = await start((_request, response) => response.writeHead(302, { location: there.url }).end());
    const source = httpSource(here.url, { headers: { authorization: "Bearer secret" } });
    expect(same(await source.read(3, 5), body.subarray(3, 8))).toBe(true);
    expect(here.requests[0]?.headers.authorization).toBe("Bearer secret");
    expect(there.requests[0]?.headers.authorization).toBeUndefined();
    expect(there.ranges).toEqual(["bytes=3-7"]);
  });
});

describe("answers against the protocol", () => {
  const wrong: Record<string, Record<string, string>> = {
    "another start": { "content-range": `bytes 0-99/${body.length}` },
    "another end": { "content-range": `bytes 100-300/${body.length}` },
    "another start and the right end": { "content-range": `bytes 90-199/${body.length}` },
    "an end before its start": { "content-range": `bytes 100-99/${body.length}` },
    "a total within the range": { "content-range": "bytes 100-199/150" },
    "no numbers": { "content-range": "bytes 100-/x" },
    "numbers past 2^53": { "content-range": "bytes 100-199/99999999999999999999" },
    "another unit": { "content-range": `items 100-199/${body.length}` },
    "no Content-Range": {},
    "another length": { "content-range": `bytes 100-199/${body.length}`, "content-length": "90" },
  };
  for (const [what, headers] of Object.entries(wrong)) {
    test(`a 206 with ${what} is ERR_HTTP`, async () => {
      const server = await start((_request, response) => {
        response.writeHead(206, headers);
        response.end(body.subarray(100, 100 + Number(headers["content-length"] ?? 100)));
      });
      expect((await failure(httpSource(server.url).read(100, 100))).code).toBe("ERR_HTTP");
      expect(server.requests).toHaveLength(1);
    });
  }

  test("more bytes than the Content-Range says are ERR_HTTP", async () => {
    const server = await start((_request, response) => {
      response.writeHead(206, { "content-range": `bytes 0-99/${body.length}` });
      response.end(body.subarray(0, 150));
    });
    expect((await failure(httpSource(server.url).read(0, 100))).code).toBe("ERR_HTTP");
  });

  test("a compressed range is ERR_HTTP, never wrong bytes", async () => {
    const server = await start((request, response) => {
      const packed = gzipSync(body);
      const range = asked(request, packed.length);
      if (range === null) throw new Error("no range");
      response.writeHead(206, {
        "content-encoding": "gzip",
        "content-range": `bytes ${range.start}-${range.end - 1}/${packed.length}`,
      });
      response.end(packed.subarray(range.start, range.end));
    });
    const error = await failure(httpSource(server.url).read(0, 100));
    expect(error.code).toBe("ERR_HTTP");
    expect(error.message).toMatch(/gzip/);
    expect(server.requests[0]?.headers["accept-encoding"]).toBe("identity");
  });

  test("a compressed whole file is served as what it holds", async () => {
    const packed = gzipSync(body);
    const server = await start((_request, response) => {
      response.writeHead(200, { "content-encoding": "gzip", "content-length": packed.length });
      response.end(packed);
    });
    const source = httpSource(server.url);
    expect(await source.size()).toBe(null);
    expect(same(await source.read(200_000, 1000), body.subarray(200_000, 201_000))).toBe(true);
    expect(same(await source.read(body.length - 5, 10), body.subarray(-5))).toBe(true);
    expect(await source.size()).toBe(body.length);
    expect(server.requests).toHaveLength(1);
  });

  for (const [status, code] of [
    [400, "ERR_HTTP"],
    [401, "ERR_HTTP"],
    [403, "ERR_HTTP"],
    [404, "ERR_NOT_FOUND"],
    [410, "ERR_NOT_FOUND"],
    [204, "ERR_HTTP"],
    [501, "ERR_HTTP"],
  ] as const) {
    test(`${status} is ${code} at once, and hides the query`, async () => {
      const server = await start((_request, response) => response.writeHead(status).end());
      const source = httpSource(`${server.url}?secret=1`);
      const error = await failure(source.read(0, 10));
      expect(error.code).toBe(code);
      expect(error.message).toContain(String(status));
      expect(error.message).not.toContain("secret");
      expect(server.requests).toHaveLength(1);
    });
  }

  test("one refusal answers all who wait for it", async () => {
    const server = await start((_request, response) => setTimeout(() => response.writeHead(404).end(), 30));
    const source = httpSource(server.url);
    const reads = await Promise.all(Array.from({ length: 6 }, (_, i) => failure(source.read(i, 1))));
    expect(reads.map((error) => error.code)).toEqual(Array(6).fill("ERR_NOT_FOUND"));
    expect(server.requests).toHaveLength(1);
  });
});

describe("a file that changes", () => {
  for (const [what, before, after] of [
    ["ETag", { etag: '"a"' }, { etag: '"b"' }],
    ["weak ETag", { etag: 'W/"a"' }, { etag: 'W/"b"' }],
    [
      "Last-Modified",
      { "last-modified": "Tue, 01 Jul 2025 10:00:00 GMT" },
      { "last-modified": "Tue, 01 Jul 2025 10:00:01 GMT" },
    ],
  ] as const) {
    test(`another ${what} is ERR_CHANGED`, async () => {
      const server = await start((request, response, count) =>
        rangeHandler(body, count === 1 ? before : after)(request, response, count),
      );
      const source = httpSource(server.url);
      await source.read(0, 10);
      expect((await failure(source.read(10, 10))).code).toBe("ERR_CHANGED");
      expect((await failure(source.read(10, 10))).code).toBe("ERR_CHANGED");
      expect(server.requests).toHaveLength(3);
    });
  }

  test("another size is ERR_CHANGED", async () => {
    const server = await start((request, response, count) =>
      rangeHandler(count === 1 ? body : body.subarray(0, 200_000))(request, response, count),
    );
    const source = httpSource(server.url);
    await source.read(0, 10);
    expect((await failure(source.read(10, 10))).code).toBe("ERR_CHANGED");
    expect((await failure(source.read(250_000, 10))).code).toBe("ERR_CHANGED");
  });

  test("an ETag that only became weak, or a date that differs between mirrors, is no change", async () => {
    const server = await start((request, response, count) =>
      rangeHandler(body, {
        etag: count === 1 ? '"a"' : 'W/"a"',
        "last-modified": new Date(count * 1e6).toUTCString(),
      })(request, response, count),
    );
    const source = httpSource(server.url);
    await source.read(0, 10);
    expect(same(await source.read(10, 10), body.subarray(10, 20))).toBe(true);
  });

  test("between a dropped connection and its repetition too", async () => {
    const client = watchedFetch();
    const server = await start((request, response, count) => {
      if (count > 1) return rangeHandler(pattern(300_000, 9), { etag: '"b"' })(request, response, count);
      response.writeHead(206, {
        "content-range": `bytes 0-99999/${body.length}`,
        "content-length": 100_000,
        etag: '"a"',
      });
      response.write(body.subarray(0, 5000));
      void until(() => client.taken === 5000).then(() => response.destroy());
    });
    expect((await failure(httpSource(server.url, client).read(0, 100_000))).code).toBe("ERR_CHANGED");
    expect(server.requests).toHaveLength(2);
  });
});

describe("failures that pass", () => {
  for (const status of [408, 429, 500, 503]) {
    test(`${status} is tried again`, async () => {
      const server = await start((request, response, count) =>
        count < 3 ? response.writeHead(status).end() : rangeHandler(body)(request, response, count),
      );
      expect(same(await httpSource(server.url).read(5, 5), body.subarray(5, 10))).toBe(true);
      expect(server.requests).toHaveLength(3);
    });
  }

  test("a server that stays down is ERR_HTTP after the retries", async () => {
    const server = await start((_request, response) => response.writeHead(503).end());
    const error = await failure(httpSource(server.url, { retries: 2 }).read(0, 5));
    expect(error.code).toBe("ERR_HTTP");
    expect(error.message).toContain("503");
    expect(server.requests).toHaveLength(3);
    expect((await failure(httpSource(server.url, { retries: 0 }).read(0, 5))).code).toBe("ERR_HTTP");
    expect(server.requests).toHaveLength(4);
  });

  test("nobody there is ERR_HTTP with its cause", async () => {
    const server = await serve(() => {});
    await server.close();
    const error = await failure(httpSource(server.url, { retries: 1 }).read(0, 5));
    expect(error.code).toBe("ERR_HTTP");
    expect(error.message).toMatch(/ECONNREFUSED/);
    expect(error.cause).toBeInstanceOf(Error);
  });

  test("Retry-After is heeded, in seconds and as a date, and half a minute at most", async () => {
    const now = Date.UTC(2025, 6, 1);
    vi.useFakeTimers({ now, toFake: ["Date"] });
    for (const [value, wait] of [
      ["7", 7000],
      [new Date(now + 9000).toUTCString(), 9000],
      ["3600", 30_000],
    ] as const) {
      const server = await start((request, response, count) => {
        if (count === 1) response.writeHead(429, { "retry-after": value }).end();
        else rangeHandler(body)(request, response, count);
      });
      const timers = heldTimers(wait);
      const read = httpSource(server.url, { timeout: 3_600_000 }).read(0, 5);
      await until(() => timers.running === 1);
      expect(server.requests).toHaveLength(1);
      timers.fire();
      expect(await read).toEqual(body.subarray(0, 5));
      vi.unstubAllGlobals();
    }
  });

  test("a dropped connection costs only the rest", async () => {
    const client = watchedFetch();
    const server = await start((request, response, count) => {
      const range = asked(request, body.length);
      if (range === null) throw new Error("no range");
      if (count === 3) return rangeHandler(body)(request, response, count);
      response.writeHead(206, {
        "content-range": `bytes ${range.start}-${range.end - 1}/${body.length}`,
        "content-length": range.end - range.start,
      });
      response.write(body.subarray(range.start, range.start + 40_000));
      void until(() => client.taken === count * 40_000).then(() => response.destroy());
    });
    const into = new Uint8Array(100_000);
    expect(
      same(await httpSource(server.url, client).read(1000, 100_000, { into }), body.subarray(1000, 101_000)),
    ).toBe(true);
    expect(server.ranges).toEqual(["bytes=1000-100999", "bytes=41000-100999", "bytes=81000-100999"]);
  });

  test("a body that ends early without an error is asked for the rest, and then ERR_HTTP", async () => {
    const short: Handler = (request, response) => {
      const range = asked(request, body.length);
      if (range === null) throw new Error("no range");
      response.writeHead(206, { "content-range": `bytes ${range.start}-${range.end - 1}/${body.length}` });
      response.end(body.subarray(range.start, Math.min(range.end, range.start + 60)));
    };
    const server = await start(short);
    expect(same(await httpSource(server.url).read(0, 100), body.subarray(0, 100))).toBe(true);
    expect(server.ranges).toEqual(["bytes=0-99", "bytes=60-99"]);
    const error = await failure(httpSource(server.url, { retries: 1 }).read(0, 1000));
    expect(error.code).toBe("ERR_HTTP");
    expect(server.requests).toHaveLength(4);
  });

  test("a server that gives less than was asked is asked for the rest", async () => {
    const server = await start((request, response) => {
      const range = asked(request, body.length);
      if (range === null) throw new Error("no range");
      const end = Math.min(range.end, range.start + 66_000);
      response.writeHead(206, { "content-range": `bytes ${range.start}-${end - 1}/${body.length}` });
      response.end(body.subarray(range.start, end));
    });
    expect(same(await httpSource(server.url).read(0, body.length), body)).toBe(true);
    expect(server.requests).toHaveLength(5); // more than there are retries, for each brought something
  });

  test("a stalled server is asked again, whether before its answer or within", async () => {
    const server = await start((request, response, count) => {
      if (count === 1) return;
      if (count > 2) return rangeHandler(body)(request, response, count);
      response.writeHead(206, { "content-range": `bytes 0-99/${body.length}` });
      response.write(body.subarray(0, 10));
    });
    const client = watchedFetch();
    const timeout = 3_600_000;
    const stalls = heldTimers(timeout);
    const read = httpSource(server.url, { fetch: client.fetch, timeout }).read(0, 100);
    await until(() => server.requests.length === 1 && stalls.running === 1);
    stalls.fire();
    await until(() => client.taken === 10 && stalls.running === 1);
    stalls.fire();
    expect(same(await read, body.subarray(0, 100))).toBe(true);
    expect(server.ranges).toEqual(["bytes=0-99", "bytes=0-99", "bytes=10-99"]);
    expect(server.requests.map(({ socket }) => socket.destroyed)).toEqual([true, true, false]);
  });

  test("a keep-alive connection that the server closes is no failure", async () => {
    const server = await start((request, response, count) => {
      response.on("finish", () => setTimeout(() => response.socket?.destroy(), 1));
      rangeHandler(body)(request, response, count);
    });
    const source = httpSource(server.url);
    for (let i = 0; i < 20; i++) {
      expect(same(await source.read(i * 100, 50), body.subarray(i * 100, i * 100 + 50))).toBe(true);
      await sleep(i % 4);
    }
  });

  test("an error of the caller's fetch is tried again, a LazyImageError of it is not", async () => {
    let calls = 0;
    const failing: typeof fetch = () => {
      calls++;
      throw new Error("no token");
    };
    const error = await failure(
      httpSource("http://127.0.0.1:9/x", { fetch: failing, retries: 1 }).read(0, 1),
    );
    expect(error.code).toBe("ERR_HTTP");
    expect(error.message).toContain("no token");
    expect(calls).toBe(2);
  });
});

describe("abort and close", () => {
  test("aborting rejects with the reason itself and frees the connection", async () => {
    const server = await start((_request, response) => {
      response.writeHead(206, { "content-range": `bytes 0-99/${body.length}` });
      response.write(body.subarray(0, 10));
    });
    const client = watchedFetch();
    const source = httpSource(server.url, client);
    const controller = new AbortController();
    const reason = { why: "enough" };
    const read = source.read(0, 100, { signal: controller.signal });
    read.catch(() => {});
    await until(() => client.taken === 10);
    controller.abort(reason);
    await expect(read).rejects.toBe(reason);
    await until(() => server.free());
    await expect(source.read(0, 1, { signal: controller.signal })).rejects.toBe(reason);
    expect(server.requests).toHaveLength(1);
  });

  test("aborting while waiting for a turn, a place or a retry rejects at once", async () => {
    const server = await start((_request, response) =>
      response.writeHead(503, { "retry-after": "20" }).end(),
    );
    const waits = heldTimers(20_000);
    const source = httpSource(server.url, { concurrency: 1 });
    const retry = new AbortController();
    const queue = new AbortController();
    const first = source.read(0, 1, { signal: retry.signal });
    const second = source.read(1, 1, { signal: queue.signal });
    const third = source.size({ signal: queue.signal });
    const outcomes = Promise.allSettled([first, second, third]);
    await until(() => waits.running === 1);
    expect(server.requests).toHaveLength(1);
    queue.abort("queue");
    retry.abort("retry");
    expect(await outcomes).toEqual([
      { status: "rejected", reason: "retry" },
      { status: "rejected", reason: "queue" },
      { status: "rejected", reason: "queue" },
    ]);
  });

  test("aborting a fetch that heeds no signal rejects all the same", async () => {
    const deaf: typeof fetch = () => new Promise(() => {});
    const signal = AbortSignal.timeout(30);
    await expect(httpSource("http://127.0.0.1:9/x", { fetch: deaf }).read(0, 1, { signal })).rejects.toBe(
      await new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason))),
    );
  });

  test("the abort of the first read does not fail those that waited to see what it finds", async () => {
    const server = await start((request, response, count) => {
      if (count > 1) rangeHandler(body)(request, response, count);
    });
    const source = httpSource(server.url);
    const controller = new AbortController();
    const first = source.read(0, 10, { signal: controller.signal });
    first.catch(() => {});
    await until(() => server.requests.length === 1);
    const others = Promise.all([source.read(10, 10), source.read(20, 10), source.size()]);
    await sleep(20);
    expect(server.requests).toHaveLength(1);
    controller.abort("first");
    await expect(first).rejects.toBe("first");
    expect(await others).toEqual([body.subarray(10, 20), body.subarray(20, 30), body.length]);
  });

  test("a thousand reads with aborts amid them: each survivor exact, nothing else", async () => {
    const server = await start(rangeHandler(body));
    const source = httpSource(server.url);
    const shared = new AbortController();
    let ended = 0;
    /** What is to be done when so many reads have ended. */
    const then = new Map<number, (() => void)[]>([[100, [() => shared.abort("shared")]]]);
    const reads = Array.from({ length: 1000 }, async (_, i) => {
      const own = new AbortController();
      const signal = i % 3 === 0 ? shared.signal : i % 3 === 1 ? own.signal : undefined;
      if (i % 3 === 1) then.set((i * 7) % 300, [...(then.get((i * 7) % 300) ?? []), () => own.abort(i)]);
      const offset = (i * 7919) % 290_000;
      try {
        expect(await source.read(offset, 500 + i, { signal })).toEqual(
          body.subarray(offset, offset + 500 + i),
        );
        return "read";
      } catch (error) {
        expect(error).toBe(i % 3 === 0 ? "shared" : i);
        return "aborted";
      } finally {
        for (const act of then.get(ended++) ?? []) act();
      }
    });
    const outcomes = await Promise.all(reads);
    expect(new Set(outcomes)).toEqual(new Set(["read", "aborted"]));
    expect(new Set(outcomes.filter((_, i) => i % 3 === 2))).toEqual(new Set(["read"]));
  });

  test("close rejects what is under way and what comes after with ERR_CLOSED", async () => {
    const server = await start(() => {});
    // Nothing else ends them.
    const source = httpSource(server.url, { timeout: 3_600_000 });
    const read = failure(source.read(0, 10));
    const queued = failure(source.read(0, 10));
    await until(() => server.requests.length === 1);
    await source.close?.();
    expect((await read).code).toBe("ERR_CLOSED");
    expect((await queued).code).toBe("ERR_CLOSED");
    await until(() => server.free());
    expect((await failure(source.read(0, 10))).code).toBe("ERR_CLOSED");
    expect((await failure(source.size())).code).toBe("ERR_CLOSED");
    expect((await failure(collect(source.stream(0, 10)))).code).toBe("ERR_CLOSED");
  });
});

describe("streams", () => {
  test("a stream is one request, of just its range", async () => {
    const server = await start(rangeHandler(body));
    const source = httpSource(server.url);
    expect(same(await collect(source.stream(1000, 200_000)), body.subarray(1000, 201_000))).toBe(true);
    expect(
      same(await collect(source.stream(290_000, Number.POSITIVE_INFINITY)), body.subarray(290_000)),
    ).toBe(true);
    expect(await collect(source.stream(body.length, 10))).toHaveLength(0);
    expect(server.ranges).toEqual(["bytes=1000-200999", "bytes=290000-"]);
  });

  test("resumes where the connection dropped", async () => {
    const client = watchedFetch();
    const server = await start((request, response, count) => {
      if (count > 1) return rangeHandler(body)(request, response, count);
      response.writeHead(206, {
        "content-range": `bytes 0-299999/${body.length}`,
        "content-length": body.length,
      });
      response.write(body.subarray(0, 100_000));
      void until(() => client.taken === 100_000).then(() => response.destroy());
    });
    expect(
      same(await collect(httpSource(server.url, client).stream(0, Number.POSITIVE_INFINITY)), body),
    ).toBe(true);
    expect(server.ranges).toEqual(["bytes=0-", "bytes=100000-"]);
  });

  test("waits for its consumer, and lets go when it stops", async () => {
    const large = pattern(40 << 20);
    const server = await start((_request, response) => {
      response.writeHead(206, { "content-range": `bytes 0-${large.length - 1}/${large.length}` });
      sendAll(response, large);
    });
    let seen = 0;
    for await (const piece of httpSource(server.url).stream(0, Number.POSITIVE_INFINITY)) {
      seen += piece.length;
      await untilStill(() => server.sent);
      break;
    }
    expect(seen).toBeGreaterThan(0);
    expect(server.sent).toBeLessThan(16 << 20);
    await until(() => server.free());
  });

  test("aborting a stream rejects with the reason", async () => {
    const server = await start((_request, response) => {
      response.writeHead(206, { "content-range": `bytes 0-${body.length - 1}/${body.length}` });
      response.write(body.subarray(0, 1000));
    });
    const controller = new AbortController();
    const stream = collect(httpSource(server.url).stream(0, 300_000, { signal: controller.signal }));
    stream.catch(() => {});
    await until(() => server.requests.length === 1);
    controller.abort("stop");
    await expect(stream).rejects.toBe("stop");
    await until(() => server.free());
  });
});

describe("a server that ignores ranges", () => {
  test("sends the file once, whatever is read and in whatever order", async () => {
    const server = await start(wholeHandler(body, { etag: '"w"' }));
    const source = httpSource(server.url);
    const offsets = [250_000, 0, 299_990, 100_000, 5];
    const reads = await Promise.all(offsets.map((offset) => source.read(offset, 1000)));
    for (const [i, offset] of offsets.entries()) {
      expect(same(reads[i], body.subarray(offset, offset + 1000))).toBe(true);
    }
    expect(same(await source.read(7, 9), body.subarray(7, 16))).toBe(true);
    expect(await source.size()).toBe(body.length);
    expect(same(await collect(source.stream(10, 1000)), body.subarray(10, 1010))).toBe(true);
    expect(await source.read(body.length, 9)).toHaveLength(0);
    expect(server.requests).toHaveLength(1);
  });

  test("does not have to send everything for the beginning", async () => {
    const large = pattern(60 << 20);
    const server = await start(wholeHandler(large));
    const source = httpSource(server.url);
    expect(same(await source.read(0, 348), large.subarray(0, 348))).toBe(true);
    await until(() => server.free()); // let go after a rest
    expect(server.sent).toBeLessThan(24 << 20);
    expect(same(await source.read(1000, 100), large.subarray(1000, 1100))).toBe(true); // passed by then, and kept
    expect(server.requests).toHaveLength(1);
    // Once more from the start, and then to the end, so that it is never a third time.
    expect(same(await source.read(30 << 20, 1000), large.subarray(30 << 20, (30 << 20) + 1000))).toBe(true);
    expect(server.requests).toHaveLength(2);
    await sleep(1500);
    expect(same(await source.read(large.length - 1000, 1000), large.subarray(-1000))).toBe(true);
    expect(server.requests).toHaveLength(2);
  });

  test("reads past maxBytes are ERR_LIMIT, those before are not", async () => {
    const server = await start(wholeHandler(body));
    const source = httpSource(server.url, { maxBytes: 100_000 });
    expect(same(await source.read(50_000, 1000), body.subarray(50_000, 51_000))).toBe(true);
    const error = await failure(source.read(99_500, 1000));
    expect(error.code).toBe("ERR_LIMIT");
    expect(error.message).toContain("maxBytes");
    expect((await failure(httpSource(server.url, { maxBytes: 100_000 }).read(200_000, 10))).code).toBe(
      "ERR_LIMIT",
    );
    await source.close?.();
  });

  test("streams of any size pass without being kept", async () => {
    const server = await start(wholeHandler(body));
    const source = httpSource(server.url, { maxBytes: 1000 });
    expect(same(await collect(source.stream(500, 250_000)), body.subarray(500, 250_500))).toBe(true);
    expect((await failure(collect(source.stream(200_000, 10)))).code).toBe("ERR_LIMIT");
  });

  test("a stream that passes stops where it was asked to", async () => {
    const large = pattern(40 << 20);
    const server = await start(wholeHandler(large));
    const stream = httpSource(server.url, { maxBytes: 1000 }).stream(500, 2000);
    expect(same(await collect(stream), large.subarray(500, 2500))).toBe(true);
    await until(() => server.free());
    expect(server.sent).toBeLessThan(16 << 20);
  });

  test("without a length its size is found at its end", async () => {
    const server = await start((_request, response) => {
      response.writeHead(200);
      sendAll(response, body);
    });
    const source = httpSource(server.url);
    expect(await source.size()).toBe(null);
    expect(same(await source.read(299_000, 5000), body.subarray(299_000))).toBe(true);
    expect(await source.size()).toBe(body.length);
    expect(same(await collect(httpSource(server.url).stream(0, Number.POSITIVE_INFINITY)), body)).toBe(true);
  });

  test("a dropped connection is taken up again, without counting twice", async () => {
    const client = watchedFetch();
    const server = await start((request, response, count) => {
      if (count > 1) return wholeHandler(body)(request, response, count);
      response.writeHead(200, { "content-length": body.length });
      response.write(body.subarray(0, 120_000));
      void until(() => client.taken === 120_000).then(() => response.destroy());
    });
    const source = httpSource(server.url, client);
    expect(same(await source.read(0, body.length), body)).toBe(true);
    expect(server.requests).toHaveLength(2);
  });

  test("one reader's abort does not stop the others; the last one's does", async () => {
    let go = (): void => {};
    const server = await start((_request, response) => {
      response.writeHead(200, { "content-length": body.length });
      response.write(body.subarray(0, 1000));
      go = () => response.end(body.subarray(1000));
    });
    const client = watchedFetch();
    const source = httpSource(server.url, client);
    const [a, b] = [new AbortController(), new AbortController()];
    const first = source.read(0, 100_000, { signal: a.signal });
    const second = source.read(150_000, 100_000, { signal: b.signal });
    first.catch(() => {});
    await until(() => client.taken === 1000);
    a.abort("a");
    await expect(first).rejects.toBe("a");
    go();
    expect(same(await second, body.subarray(150_000, 250_000))).toBe(true);

    const other = watchedFetch();
    const again = httpSource(server.url, other);
    const only = new AbortController();
    const read = again.read(0, 100_000, { signal: only.signal });
    read.catch(() => {});
    await until(() => other.taken === 1000);
    only.abort("only");
    await expect(read).rejects.toBe("only");
    await until(() => server.requests[1]?.socket.destroyed === true);
  });

  test("an answer of 200 amid ranges is used for what it is", async () => {
    const server = await start((request, response, count) =>
      (count === 2 ? wholeHandler(body) : rangeHandler(body))(request, response, count),
    );
    const source = httpSource(server.url);
    await source.read(0, 10);
    expect(same(await source.read(150_000, 1000), body.subarray(150_000, 151_000))).toBe(true);
    expect(same(await source.read(10, 10), body.subarray(10, 20))).toBe(true);
    expect(server.ranges).toEqual(["bytes=0-9", "bytes=150000-150999", "bytes=10-19"]);
  });
});

describe("arguments", () => {
  test("what is no http(s) URL is ERR_INVALID_ARGUMENT", () => {
    for (const url of ["scan.nii", "ftp://host/scan.nii", "http://user:word@host/scan.nii", "http://"]) {
      expect(() => httpSource(url)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    }
    expect(() => httpSource("http://user:word@host/scan.nii")).toThrow(/^(?!.*word@)/);
  });

  test("a malformed range is ERR_INVALID_ARGUMENT before any request", async () => {
    const server = await start(rangeHandler(body));
    const source = httpSource(server.url);
    for (const [offset, length] of [
      [-1, 5],
      [0.5, 5],
      [Number.NaN, 5],
      [0, -1],
      [0, Number.POSITIVE_INFINITY],
      [2 ** 53, 1],
    ] as const) {
      expect((await failure(source.read(offset, length))).code).toBe("ERR_INVALID_ARGUMENT");
    }
    expect(server.requests).toHaveLength(0);
  });

  test("names are decoded", () => {
    expect(httpSource("https://host/a%20b/sub%C3%A9.nii.gz?x=%41#f").name).toBe("subé.nii.gz");
    expect(httpSource("https://host/100%.nii").name).toBe("100%.nii");
    expect(httpSource("https://host/download?id=5", { name: "scan.nii" }).name).toBe("scan.nii");
  });
});
